"""Write the embedded encoder as a plain sequence classifier with seven labels: `make_model.py FOLDER`."""

import sys

from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tasks.models.bundled import minilm_folder

model = AutoModelForSequenceClassification.from_pretrained(
    minilm_folder(), num_labels=7, problem_type="multi_label_classification"
)
model.save_pretrained(sys.argv[1])
AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(sys.argv[1])
