"""A bucket that announces its objects on a queue, with a dead-letter queue behind it."""

import json
import uuid

import boto3
from botocore.config import Config

REGION = "eu-north-1"
KEYS = {"aws_access_key_id": "AKIATESTTESTTESTTEST", "aws_secret_access_key": "opensesameopensesameopensesame"}


class Bucket:
    """A bucket of its own with queues of its own, on a running server."""

    def __init__(self, endpoint, receive_count=3):
        self.endpoint = endpoint
        self.name = f"operator-{uuid.uuid4().hex[:8]}"
        self.queue = f"{self.name}-events"
        config = Config(proxies={}, retries={"max_attempts": 1})
        self.s3, self.sqs = (
            boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config, **KEYS)
            for service in ("s3", "sqs")
        )
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.dead_url = self.sqs.create_queue(QueueName=f"{self.queue}-dead")["QueueUrl"]
        policy = {"deadLetterTargetArn": self._arn(self.dead_url), "maxReceiveCount": receive_count}
        attributes = {"RedrivePolicy": json.dumps(policy)}
        self.url = self.sqs.create_queue(QueueName=self.queue, Attributes=attributes)["QueueUrl"]

    def announce(self):
        """From now on S3 itself tells of new objects; it begins with a test message."""
        queue = {"QueueArn": self._arn(self.url), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration={"QueueConfigurations": [queue]}
        )

    def put(self, key, content):
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def send(self, body):
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def waiting(self, url=None):
        """Messages that anybody may have, and messages that somebody holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)

    def let_go(self):
        """The time-outs of all messages are over. The server is moto, in this process."""
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.sqs.models import sqs_backends

        for message in sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[self.queue]._messages:
            message.visible_at = 0

    def settings(self, endpoint=None):
        return {
            "endpoint_url": endpoint or self.endpoint,
            "region": REGION,
            "bucket": self.name,
            "queue": self.queue,
            **KEYS,
        }

    def _arn(self, url):
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
