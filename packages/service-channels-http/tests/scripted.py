"""x"""
VALUE = 1
