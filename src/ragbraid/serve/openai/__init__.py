"""What OpenAI's clients speak: chat completions, embeddings, models; and the rerank that others agreed on."""
