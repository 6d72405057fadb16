"""LoRAs in what people say: in prompts, behind ``--lora``, in an option, in others' files."""
