"""How a database is opened, kept and copied; it knows no study.

Owns addresses, SQLite and PostgreSQL, Optuna's gRPC proxy, patience with slow servers, passwords, backups. May import
errors and names, Optuna and SQLAlchemy. Begin with address.py.
"""
