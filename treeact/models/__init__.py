"""Language models: LiteLLM, OpenAI-compatible, replay and record, scripted, human."""
