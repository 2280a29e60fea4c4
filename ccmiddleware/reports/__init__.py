"""The report views, read for people: which there are, what can be asked of them, how it is shown.

What a metric means is decided in sql/views and nowhere else; here nothing is calculated.
"""
