"""What the measurements show: figures and tables, from the journal alone. Imports no TensorFlow."""
