"""Route → ConversionResult: work folder, cache, fallback, delivery.

request.py   what the user asked for; options with an address
shapes.py    the static inputs that a model is converted for
measure.py   samples, reference outputs, verification of a step
step.py      one edge: job → outcome → recognized → verified
explore.py   the route, and the next one from the last verified artifact when an edge fails
deliver.py   the file at its place, atomically
convert.py   all of it
"""
