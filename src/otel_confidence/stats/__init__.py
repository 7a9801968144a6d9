"""
Pure numpy: calibration, without I/O and without a clock.
"""
