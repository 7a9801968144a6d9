"""This package holds campaigns: long runs of random input, each with a short one in the suite."""
