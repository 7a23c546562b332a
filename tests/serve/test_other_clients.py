"""Frameworks' own clients of OpenAI's API, where they are installed."""

from __future__ import annotations

import httpx
import pytest
from served import QUESTION


@pytest.fixture
def url(hr: httpx.Client) -> str:
    return f"{hr.base_url}/v1"


def test_langchains_chat_model(url: str) -> None:
    langchain = pytest.importorskip("langchain_openai", reason="langchain-openai isn't installed")
    model = langchain.ChatOpenAI(model="ask", base_url=url, api_key="unused")
    said = model.invoke([("system", "Be short."), ("user", QUESTION)])
    assert "14 months" in said.content
    assert said.usage_metadata["total_tokens"] > 0
    assert "14 months" in "".join(each.content for each in model.stream(QUESTION))


def test_llama_indexs_chat_model(url: str) -> None:
    llama = pytest.importorskip("llama_index.llms.openai_like", reason="llama-index isn't installed")
    types = pytest.importorskip("llama_index.core.llms", reason="llama-index isn't installed")
    model = llama.OpenAILike(
        model="ask", api_base=url, api_key="unused", is_chat_model=True, context_window=4096
    )
    asked = [types.ChatMessage(role="user", content=QUESTION)]
    assert "14 months" in (model.chat(asked).message.content or "")
    *_, last = model.stream_chat(asked)
    assert "14 months" in (last.message.content or "")
