"""What one would write first: `plain.py MODEL PORT WORKERS`, FastAPI and one pipeline call per request."""

import os
import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

app = FastAPI()
classify = pipeline("text-classification", os.environ.get("PLAIN_MODEL") or sys.argv[1], top_k=None)


class Ask(BaseModel):
    """One text."""

    text: str


@app.post("/predict")
def predict(ask: Ask):
    """Probability of every label."""
    return classify(ask.text, truncation=True, max_length=128)


@app.get("/health")
def health():
    """Whether it answers."""
    return "ok"


if __name__ == "__main__":
    os.environ["PLAIN_MODEL"] = sys.argv[1]
    here = os.path.dirname(__file__)
    uvicorn.run("plain:app", app_dir=here, port=int(sys.argv[2]), workers=int(sys.argv[3]), log_level="error")
