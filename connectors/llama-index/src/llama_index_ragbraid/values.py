"""ragbraid's hits, chunks, documents and answers as LlamaIndex's, and back."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.response.schema import Response
from llama_index.core.schema import (
    BaseNode,
    MetadataMode,
    NodeRelationship,
    NodeWithScore,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.schema import Document as TheirDocument

from ragbraid import Answer, Chunk, Document, Hit
from ragbraid.bridge.answers import retold, told
from ragbraid.bridge.values import KEY, crossing, hit_of

HIDDEN = [KEY]
"""What of a node's metadata neither a model nor an embedder is shown."""


def as_node(hit: Hit) -> NodeWithScore:
    """A hit as a node with its score; place, page and scores stand under `ragbraid` in its metadata."""
    node = text_node(hit, hit.source, crossing(hit), id_=hit.id)
    return NodeWithScore(node=node, score=hit.score)


def text_node(value: Hit | Chunk, source: str, metadata: dict[str, Any], **given: Any) -> TextNode:
    """A passage as a node, with its offsets, of the document with this id."""
    return TextNode(
        text=value.text,
        metadata=metadata,
        start_char_idx=value.start,
        end_char_idx=value.end,
        excluded_llm_metadata_keys=HIDDEN,
        excluded_embed_metadata_keys=HIDDEN,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=source)},
        **given,
    )


def as_document(document: Document) -> TheirDocument:
    """A document, named by its source."""
    return TheirDocument(
        id_=document.source,
        text=document.text,
        metadata=crossing(document),
        excluded_llm_metadata_keys=HIDDEN,
        excluded_embed_metadata_keys=HIDDEN,
    )


def text_of(node: BaseNode) -> str:
    """A node's own text, without its metadata."""
    return node.get_content(metadata_mode=MetadataMode.NONE)


def hit_of_node(found: NodeWithScore) -> Hit:
    """The hit that a node is: the very one that it was, where it comes from ragbraid."""
    return hit_of(text_of(found.node), found.node.metadata, found.node.node_id, found.score)


def as_response(answer: Answer) -> Response:
    """An answer: its hits as source nodes, and all else under `ragbraid` in its metadata."""
    return Response(answer.text, [as_node(each) for each in answer.hits], {KEY: told(answer)})


def answer_of(response: Any) -> Answer:
    """ragbraid's answer that a response was made of, without its trace; a stream's once it is at an end."""
    text = response.response_txt if hasattr(response, "response_txt") else response.response
    return retold(text or "", response.metadata[KEY], map(hit_of_node, response.source_nodes))
