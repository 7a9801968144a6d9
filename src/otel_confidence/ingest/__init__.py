"""
One file per format, all into one model of points.
"""
