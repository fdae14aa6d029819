"""Results → text, Markdown, HTML, JSON.

A noun's JSON becomes a `blocks.Document` once; `terminal`, `markdown` and `html` show it. Standard library only.
"""
