"""One method on the wire: its plan, the names of its arguments and fields, and answers that do not fit."""
