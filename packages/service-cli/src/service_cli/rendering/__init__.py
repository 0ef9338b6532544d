"""What people see: tables, signatures and trees, made of values."""
