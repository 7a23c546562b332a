"""A chat generator, on this machine."""

from haystack_integrations.components.generators.ragbraid.chat.chat_generator import RagbraidChatGenerator

__all__ = ["RagbraidChatGenerator"]
