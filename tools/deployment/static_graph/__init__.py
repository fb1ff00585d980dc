"""A model in fixed shapes, for export."""
