"""Examples, one idea each; every one of them is run by the tests."""
