"""A small telecom operator, made up from a seed, that serves its data as a real one would.

`generate` writes what the operator has to deliver (and the truth about it) into a folder, `service` serves that
folder over SOAP, HTTP, SFTP, S3, SQS and Kinesis on loopback, and `process` keeps the service in the background.
"""
