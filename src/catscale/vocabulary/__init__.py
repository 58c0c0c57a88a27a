"""The vocabulary: training, encoding, and the Hugging Face tokenizer."""
