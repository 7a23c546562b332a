"""`ragbraid upgrade`: a pipeline file in the current version of the language."""

from __future__ import annotations

from ragbraid.cli import options, output


def command(
    file: options.FileArgument = None,
    pipeline: options.PipelineFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Bring a pipeline file to the current version of the language.

    Comments and order are kept; nothing is written where there is nothing to do.

    For example: ragbraid upgrade old.yaml
    """
    from ragbraid.cli.files import replace
    from ragbraid.errors import InputError
    from ragbraid.pipeline.find import find
    from ragbraid.pipeline.upgrade import upgrade

    source = find(options.one_file(file, pipeline))
    if source.path is None:
        raise InputError("There is no ragbraid.yaml here or above.", "Name a file.")
    done = upgrade(source)
    changed = done.before != done.after
    if changed:
        replace(source.path, done.text)
    if as_json:
        output.print_json(
            {"file": source.name, "before": done.before, "after": done.after, "changed": changed}
        )
    elif not changed:
        output.show(f"{source.name} is of version {done.after}, the current one.")
    elif done.before is None:
        output.show(f"{source.name} now says that it is of version {done.after}.")
    else:
        output.show(f"{source.name} was of version {done.before}, and is now of version {done.after}.")
