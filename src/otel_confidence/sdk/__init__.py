"""
The user's half: everything that runs inside the program that predicts.
"""
