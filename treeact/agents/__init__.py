"""What a user instantiates: agents, their prompts, and the run object."""
