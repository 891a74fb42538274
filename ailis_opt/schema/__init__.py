"""What an instance is: its header, its tables, their columns."""

from ailis_opt.schema.document import json_schema
from ailis_opt.schema.header import Block, Header, Horizon, Risk
from ailis_opt.schema.instance import Booked, Instance, fingerprint
from ailis_opt.schema.registry import TABLES, Table

__all__ = ["TABLES", "Block", "Booked", "Header", "Horizon", "Instance", "Risk", "Table", "fingerprint", "json_schema"]
