"""LitServe with dynamic batching: `lit.py MODEL PORT WORKERS`."""

import sys

import litserve
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


class Classifier(litserve.LitAPI):
    """Tokenise and judge a batch."""

    def setup(self, device):
        self.tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
        self.model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1]).eval()

    def decode_request(self, request):
        return request["text"]

    @torch.inference_mode()
    def predict(self, texts):
        inputs = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=128, return_tensors="pt"
        )
        return torch.sigmoid(self.model(**inputs).logits).tolist()

    def encode_response(self, output):
        return {"scores": output}


if __name__ == "__main__":
    api = Classifier(max_batch_size=16, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), generate_client_file=False, log_level="error")
