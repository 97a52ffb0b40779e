"""The script for fish: one `complete` line an option, each with the verb it belongs to as its condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.completion.tree import PathKind, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.completion.tree import Option, Program, Values, VerbNode


def script(program: Program) -> str:
    """The whole script; sourcing it registers the completion."""
    leaves = tuple(program.leaves)
    valued = {name for leaf in leaves for each in leaf.options if each.metavar is not None for name in each.names}
    groups = [each for each in program.commands if each.commands]
    tables = {
        "@VALUED@": " ".join(sorted(valued)),
        "@ADOPTED@": " ".join(program.adopted),
        "@DEFAULT@": program.default,
        "@VERBS@": " ".join(each.name for each in program.commands),
        "@GROUPS@": " ".join(each.name for each in groups),
        "@WORDS@": "\n".join(_words(each) for each in program.all_values),
        "@LINES@": "\n".join(_lines(program, groups, leaves)),
    }
    text = _SCRIPT
    for mark, table in tables.items():
        text = text.replace(mark, table)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _words(values: Values) -> str:
    """What `__gatewaydoctor_offer` prints for these values."""
    acts = []
    if values.words:
        rows = "".join(
            f" \\\n                {_quoted(each.text)} {_quoted(plain(each.help))}" for each in values.words
        )
        acts.append(f"printf '%s\\t%s\\n'{rows}")
    if values.source:
        acts.append(f"__gatewaydoctor_ask {values.source}")
    if values.path is PathKind.DIRECTORY:
        acts.append("__fish_complete_directories")
    return "\n".join((f"        case {values.name}", *(f"            {act}" for act in acts)))


def _lines(program: Program, groups: Iterable[VerbNode], leaves: Iterable[VerbNode]) -> Iterator[str]:
    yield from (_option(option, "") for option in program.everywhere)
    yield from (_option(option, "''") for option in program.own(program))
    yield _argument("'' 0", program.verbs)
    for group in groups:
        yield _argument(f"{_quoted(group.name)} 0", group.verbs)
    for leaf in leaves:
        where = _quoted(leaf.name)
        yield from (_option(option, where) for option in program.own(leaf))
        for number, argument in enumerate(leaf.arguments):
            if argument.values:
                yield _argument(where if argument.many else f"{where} {number}", argument.values)


def _condition(where: str) -> str:
    return f" -n {_quoted(f'__gatewaydoctor_at {where}')}" if where else ""


def _option(option: Option, where: str) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    return f"complete -c gatewaydoctor{_condition(where)} {names} -d {_quoted(plain(option.help))}{_taken(option)}"


def _taken(option: Option) -> str:
    if option.metavar is None:
        return ""
    if option.values is None:
        return " -x"
    return " -r -F" if option.values.path is PathKind.FILE else f" -x{_offer(option.values)}"


def _argument(where: str, values: Values) -> str:
    return f"complete -c gatewaydoctor{_condition(where)}{_offer(values)}"


def _offer(values: Values) -> str:
    return f" -k -a '(__gatewaydoctor_offer {values.name})'"


_SCRIPT = r"""# fish completion for gatewaydoctor, made by: gatewaydoctor completions fish
#
# To try it:   gatewaydoctor completions fish | source
# To keep it:  gatewaydoctor completions fish > ~/.config/fish/completions/gatewaydoctor.fish

# Prints the words from the program on: sudo and the like may come before it.
function __gatewaydoctor_typed
    set -l words (commandline -op $argv)
    while set -q words[1]; and not string match -q -- '*gatewaydoctor' $words[1]
        set -e words[1]
    end
    string join -- \n $words
end

# Sets __gatewaydoctor_verb and __gatewaydoctor_number to where the cursor is: the verb, and its argument from 0.
function __gatewaydoctor_read
    set -l line (commandline -pc)
    test "$line" = "$__gatewaydoctor_line"; and return
    set -g __gatewaydoctor_line $line
    set -g __gatewaydoctor_verb ''
    set -g __gatewaydoctor_number 0
    set -l skip 0
    for word in (__gatewaydoctor_typed -c)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        if string match -q -- '-*' $word
            set -l name (string split -m 1 -f 1 = -- $word)
            if test -z "$__gatewaydoctor_verb"; and contains -- $name @ADOPTED@
                set -g __gatewaydoctor_verb @DEFAULT@
            end
            if test $name = $word; and contains -- $name @VALUED@
                set skip 1
            end
        else if test -z "$__gatewaydoctor_verb"
            set -g __gatewaydoctor_verb '?'
            contains -- $word @VERBS@; and set -g __gatewaydoctor_verb $word
        else if contains -- $__gatewaydoctor_verb @GROUPS@
            set -g __gatewaydoctor_verb "$__gatewaydoctor_verb $word"
        else
            set -g __gatewaydoctor_number (math $__gatewaydoctor_number + 1)
        end
    end
end

# Whether the cursor is at this verb, and at this argument of it.
function __gatewaydoctor_at
    __gatewaydoctor_read
    test "$__gatewaydoctor_verb" = "$argv[1]"; or return
    test (count $argv) = 1; or test $__gatewaydoctor_number = $argv[2]
end

# Asks the program that is being typed for words of this state directory.
function __gatewaydoctor_ask
    set -l typed (__gatewaydoctor_typed)
    set -l program gatewaydoctor
    string match -q -- '*/*' $typed[1]; and set program (string replace -r -- '^~/' "$HOME/" $typed[1])
    set -l quoted "'"(string replace -a -- "'" "'\\''" $typed)"'"
    $program __offer $argv[1] -- $quoted 2>/dev/null </dev/null
end

# Prints what fits in one place, by the name of its values.
function __gatewaydoctor_offer
    switch $argv[1]
@WORDS@
    end
end

complete -c gatewaydoctor -e
complete -c gatewaydoctor -f
@LINES@
"""
