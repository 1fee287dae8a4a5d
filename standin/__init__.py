"""The stand-in for Redshift on a developer's machine: a Postgres with a Redshift face, a command line, a pytest plugin.

Knows nothing of the rest of the project. `standin.postgres` starts and stops a server in a folder,
`standin.ephemeral` shares a throw-away server between processes and outlives none of them,
`standin.warehouse` hands out databases, `standin.redshift` lets Redshift's clients use them as Redshift,
`standin.pytest_plugin` gives each test its own.
"""
