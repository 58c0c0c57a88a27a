"""The figures of the report: each a function from a comparison to one Vega-Lite specification and its rows."""
