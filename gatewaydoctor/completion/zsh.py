"""The script for zsh: `_arguments` does the work, from a list of specs per verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.completion.tree import PathKind, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.completion.tree import Option, Program, Values, VerbNode, Word


def script(program: Program) -> str:
    """The whole script; it may be sourced, or lie in a directory of fpath under the name `_gatewaydoctor`."""
    groups = [each for each in program.commands if each.commands]
    tables = {
        "@EVERYWHERE@": _lines(_options(program.everywhere), 8),
        "@BEFORE@": _lines((*_options(program.own(program), program.adopted), _first(program)), 12),
        "@GROUPS@": "|".join(each.name for each in groups),
        "@SPECS@": "\n".join(_arm(each, program) for each in (*groups, *program.leaves)),
        "@WORDS@": "\n".join(_values(each) for each in program.all_values),
    }
    text = _SCRIPT
    for mark, table in tables.items():
        text = text.replace(mark, table)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _lines(specs: Iterable[str], indent: int) -> str:
    return "\n".join(" " * indent + _quoted(spec) for spec in specs)


def _arm(command: VerbNode, program: Program) -> str:
    specs = [*_options(program.own(command)), *_arguments(command)]
    if command.commands:
        specs = [_first(command)]
    return f"        {_quoted(command.name)})\n            specs=(\n{_lines(specs, 16)}\n            ) ;;"


def _first(command: VerbNode) -> str:
    return f"1:verb:{_action(command.verbs)}"


def _options(options: Iterable[Option], adopted: tuple[str, ...] = ()) -> Iterator[str]:
    """One spec a spelling. What takes the place of a verb leaves none to offer."""
    for option in options:
        ends = "--help" in option.names or "--version" in option.names
        others = ["- 1 *"] if ends else ["1 *"] if set(option.names) & set(adopted) else []
        others += option.names if len(option.names) > 1 and not option.repeatable else ()
        rest = f"({' '.join(others)})" if others else ""
        for name in option.names:
            taken = "" if option.metavar is None else f":{_escaped(option.metavar, ':')}:{_action(option.values)}"
            equals = "=" if option.metavar is not None and name.startswith("--") else ""
            help = _escaped(plain(option.help), "[]")
            yield f"{rest}{'*' if option.repeatable else ''}{name}{equals}[{help}]{taken}"


def _arguments(command: VerbNode) -> Iterator[str]:
    for place, argument in enumerate(command.arguments, 1):
        where = "*" if argument.many else f"{place}:" if argument.metavar.startswith("[") else str(place)
        yield f"{where}:{_escaped(argument.metavar.strip('[].'), ':')}:{_action(argument.values)}"


def _action(values: Values | None) -> str:
    """The leading blank keeps zsh from adding options of its own."""
    return f" _gatewaydoctor_offer {values.name}" if values else " "


def _escaped(text: str, special: str) -> str:
    return "".join(f"\\{char}" if char in special or char == "\\" else char for char in text)


def _values(values: Values) -> str:
    lines = [f"        {values.name})"]
    if values.words:
        lines += ["            found=(", _lines(map(_word, values.words), 16), "            )"]
    if values.source:
        lines.append(f"            asked={values.source}")
    if values.path:
        lines.append(f"            files={'-/' if values.path is PathKind.DIRECTORY else '-'}")
    if values.go_on:
        lines.append("            more=(-S '')")
    return "\n".join(lines) + " ;;"


def _word(word: Word) -> str:
    return f"{_escaped(word.text, ':')}:{plain(word.help)}" if word.help else _escaped(word.text, ":")


_SCRIPT = r"""#compdef gatewaydoctor
# zsh completion for gatewaydoctor, made by: gatewaydoctor completions zsh
#
# To try it:   source <(gatewaydoctor completions zsh)      (after compinit)
# To keep it:  gatewaydoctor completions zsh > DIRECTORY/_gatewaydoctor, in a directory of $fpath

# Adds what fits in one place, by the name of its values.
_gatewaydoctor_offer() {
    local asked files ret=1
    local -a found more
    case $1 in
@WORDS@
    esac
    [[ -z $asked ]] || _gatewaydoctor_ask $asked
    (( ! $#found )) || _describe -V -t $1 ${1//-/ } found "${(@)more}" && ret=0
    [[ -z $files ]] || _files ${files:#-} && ret=0
    return ret
}

# Sets found to what the program that is being typed knows of this state directory.
_gatewaydoctor_ask() {
    local program=gatewaydoctor row word help before=${${LBUFFER%$typed[1]*}##*[;|&]}
    local -a assigned=(${(M)${(z)before}:#OPENCLAW_*=*})
    [[ $typed[1] != */* ]] || program=${~typed[1]}
    for row in ${(f)"$($program __offer $1 -- $assigned "${(@)typed}" 2>/dev/null </dev/null)"}; do
        word=${row%%$'\t'*} help=${row#*$'\t'}
        word=${word//\\/\\\\}
        found+=("${word//:/\\:}${help:+:$help}")
    done
}

# Sets specs to what a verb takes.
_gatewaydoctor_specs() {
    case $1 in
@SPECS@
        *) specs=() ;;
    esac
}

_gatewaydoctor() {
    local curcontext=$curcontext state state_descr line verb ret=1
    local -A opt_args
    local -a typed specs everywhere before
    typed=("${(@)words}")
    typed[CURRENT]=()
    everywhere=(
@EVERYWHERE@
    )
    before=(
@BEFORE@
    )
    _arguments -C -s -S -A '-*' : $everywhere $before '*:: :->rest' && ret=0
    [[ $state == rest ]] || return ret
    verb=$line[1] state=
    _gatewaydoctor_specs $verb
    if [[ $verb == (@GROUPS@) ]]; then
        _arguments -C -s -S -A '-*' : $everywhere $specs '*:: :->rest' && ret=0
        [[ $state == rest ]] || return ret
        _gatewaydoctor_specs "$verb $line[1]"
    fi
    (( ! $#specs )) || _arguments -s -S : $everywhere $specs && ret=0
    return ret
}

if [[ $funcstack[1] == _gatewaydoctor ]]; then
    _gatewaydoctor "$@"
elif (( $+functions[compdef] )); then
    compdef _gatewaydoctor gatewaydoctor
else
    print -u2 'gatewaydoctor: completion needs compinit first: autoload -Uz compinit && compinit'
fi
"""
