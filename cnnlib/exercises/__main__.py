"""python -m cnnlib.exercises FOLDER: see grading.py."""

from cnnlib.exercises.grading import main

main()
