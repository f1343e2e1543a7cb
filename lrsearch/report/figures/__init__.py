"""One module for each group of figures; every function takes plain values and returns a plotly figure."""
