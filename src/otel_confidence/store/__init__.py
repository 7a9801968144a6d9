"""
The embedded ClickHouse and what is kept in it.
"""
