"""The script for bash, 3.2 and later: case statements instead of associative arrays, and no word is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.completion.tree import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.completion.tree import Option, Program, Values, VerbNode


def script(program: Program) -> str:
    """The whole script; sourcing it registers the completion."""
    tables = {
        "@OPTIONS@": _cases(_option_names(program), 4),
        "@EVERYWHERE@": _names(program.everywhere),
        "@VALUES@": _cases(_values_of_options(program), 4),
        "@ARGUMENTS@": _cases(_values_of_arguments(program), 4),
        "@WORDS@": _cases(_words(program.all_values), 4),
        "@VERBS@": "|".join(each.name for each in program.commands),
        "@GROUPS@": "|".join(each.name for each in program.commands if each.commands),
        "@ADOPTED@": "|".join(program.adopted),
        "@DEFAULT@": program.default,
    }
    text = _SCRIPT
    for mark, table in tables.items():
        text = text.replace(mark, table)
    return text


def _cases(rows: Iterable[tuple[str, str]], indent: int) -> str:
    return "\n".join(f"{' ' * indent}{pattern}) {action} ;;" for pattern, action in rows)


def _names(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def _verbs(program: Program) -> Iterator[VerbNode]:
    """Groups and the verbs in them."""
    for command in program.commands:
        yield from (command, *command.commands)


def _option_names(program: Program) -> Iterator[tuple[str, str]]:
    """`<verb>` -> its own options; those everybody has stand elsewhere."""
    yield "''", f"words='{_names(program.own(program))}'"
    for command in program.leaves:
        yield f"'{command.name}'", f"words='{_names(program.own(command))}'"


def _values_of_options(program: Program) -> Iterator[tuple[str, str]]:
    """`<verb> <option>` -> the values; what is the same for every verb comes last, once."""
    for command in program.leaves:
        for option in program.own(command):
            if option.metavar is not None:
                yield _patterns(command.name, option), f"values={_name(option.values)}"
    for option in program.everywhere:
        if option.metavar is not None:
            yield "|".join(f"*' {name}'" for name in option.names), f"values={_name(option.values)}"


def _patterns(place: str, option: Option) -> str:
    return "|".join(f"'{place} {name}'" for name in option.names)


def _values_of_arguments(program: Program) -> Iterator[tuple[str, str]]:
    """`<verb> <number>` -> the values."""
    yield "' 0'", f"values={_name(program.verbs)}"
    for command in _verbs(program):
        if command.commands:
            yield f"'{command.name} 0'", f"values={_name(command.verbs)}"
        for number, argument in enumerate(command.arguments):
            number_or_more = f"{number}'" if not argument.many else "'*"
            yield f"'{command.name} {number_or_more}", f"values={_name(argument.values)}"


def _name(values: Values | None) -> str:
    return values.name if values else "free"


def _words(values: Iterable[Values]) -> Iterator[tuple[str, str]]:
    for each in values:
        acts = [f"words='{' '.join(word.text for word in each.words)}'"] if each.words else []
        acts += [f"asked={each.source}"] if each.source else []
        acts += [f"paths={'-d' if each.path is PathKind.DIRECTORY else '-f'}"] if each.path else []
        yield each.name, "; ".join(acts)


_SCRIPT = r"""# bash completion for gatewaydoctor, made by: gatewaydoctor completions bash
#
# To try it:   source <(gatewaydoctor completions bash)
# To keep it:  gatewaydoctor completions bash > ~/.local/share/bash-completion/completions/gatewaydoctor

# Sets words to the options of a verb.
_gatewaydoctor_options() {
    case $1 in
@OPTIONS@
    esac
    words="$words @EVERYWHERE@"
}

# Sets values to what "<verb> <option>" takes; it stays empty for a flag, and is "free" where nothing is known.
_gatewaydoctor_option() {
    case $1 in
@VALUES@
    esac
}

# Sets values to what "<verb> <number>" takes, the number counting its arguments from 0.
_gatewaydoctor_argument() {
    case $1 in
@ARGUMENTS@
    esac
}

# Sets words, asked and paths to what some values are.
_gatewaydoctor_values() {
    case $1 in
@WORDS@
    esac
}

# Moves on from what was typed so far by one word: sets verb, number, and values where the next word is one.
_gatewaydoctor_step() {
    local word=$1 name=${1%%=*}
    if [[ -n $values ]]; then
        values=''
    elif [[ $word == -* ]]; then
        [[ -n $verb ]] || case $name in @ADOPTED@) verb=@DEFAULT@ ;; esac
        [[ $word == *=* ]] || _gatewaydoctor_option "${verb:-@DEFAULT@} $word"
    elif [[ -z $verb ]]; then
        case $word in @VERBS@) verb=$word ;; *) verb='?' ;; esac
    else
        case $verb in
            @GROUPS@) verb="$verb $word" ;;
            *) number=$((number + 1)) ;;
        esac
    fi
}

# Sets line to the words with those put together again that bash takes apart at "=" and ":", and at to the place of
# the one to complete. What is after the cursor does not count for that one.
_gatewaydoctor_line() {
    local i piece quote join=''
    line=() at=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)) && [[ $piece != [=:]* ]]; then
            quote=''
            case $piece in \"*|\'*) quote=${piece:0:1} ;; esac
            piece=$quote$1
        fi
        if ((i > 1)) && [[ -n $join || $piece == [=:]* ]]; then
            line[${#line[@]} - 1]+=$piece
        else
            line[${#line[@]}]=$piece
        fi
        join=''
        [[ ${COMP_WORDS[i]} != [=:]* ]] || join=1
        ((i != COMP_CWORD)) || at=$((${#line[@]} - 1))
    done
}

# Adds a word and its description if it continues what is typed.
_gatewaydoctor_add() {
    local word=$1
    [[ $word == "$bare"* && $word != "$bare" ]] || return 0
    if [[ -z $quote ]]; then
        printf -v word '%q' "$word"
    elif [[ $word == *[\"\'\`\$\\!]* ]]; then
        return 0
    fi
    word=$glued$word
    COMPREPLY[${#COMPREPLY[@]}]=${word#"$before"}
    helps[${#helps[@]}]=${2-}
}

# Asks the program that is being typed for words of this state directory. Bash does not show a variable that is
# set on the line for the program alone; one that is exported counts.
_gatewaydoctor_ask() {
    local program=gatewaydoctor answer word help
    case $2 in
        '~/'*) program=$HOME/${2#'~/'} ;;
        */*) program=$2 ;;
    esac
    answer=$("$program" __offer "$1" -- "${others[@]}" 2>/dev/null </dev/null) || return 0
    while IFS=$'\t' read -r word help; do
        [[ -z $word ]] || _gatewaydoctor_add "$word" "$help"
    done <<<"$answer"
}

# Bash shows descriptions only where it lists several words.
_gatewaydoctor_describe() {
    local i
    ((${#COMPREPLY[@]} > 1)) || return 0
    case ${COMP_TYPE-} in 9 | 33 | 63) ;; *) return 0 ;; esac
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        [[ -z ${helps[i]} ]] || COMPREPLY[i]+="  (${helps[i]})"
    done
}

_gatewaydoctor() {
    local IFS=$' \t\n' verb='' values='' words='' asked='' paths='' glued='' before='' quote='' bare word
    local -i number=0 at=0 i
    local -a line others helps
    COMPREPLY=() helps=() others=()
    _gatewaydoctor_line "$2"
    for ((i = 1; i < at; i++)); do _gatewaydoctor_step "${line[i]}"; done
    for ((i = 0; i < ${#line[@]}; i++)); do ((i == at)) || others[${#others[@]}]=${line[i]}; done

    bare=${line[at]}
    if [[ -z $values && $bare == --*=* ]]; then
        _gatewaydoctor_option "${verb:-@DEFAULT@} ${bare%%=*}"
        [[ $2 == "$bare" ]] && glued=${bare%%=*}=
        bare=${bare#*=}
    elif [[ -z $values && $bare == -* ]]; then
        _gatewaydoctor_options "$verb"
    elif [[ -z $values ]]; then
        _gatewaydoctor_argument "$verb $number"
        # If nothing else fits here, offer options.
        [[ -n $values || $verb == '?' ]] || _gatewaydoctor_options "$verb"
    fi
    _gatewaydoctor_values "$values"

    case $bare in
        \"*|\'*) quote=${bare:0:1} bare=${bare:1} ;;
        *)
            # What bash does not take for a part of the word must not be given again.
            [[ -n $glued || $bare == "$2" ]] || before=${bare%"$2"}
            bare=${bare//\\/}
            ;;
    esac
    for word in $words; do _gatewaydoctor_add "$word"; done
    [[ -z $asked ]] || _gatewaydoctor_ask "$asked" "$1"
    _gatewaydoctor_describe
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
    case $paths in
        -f) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$bare")) ;;
        -d) compopt -o plusdirs 2>/dev/null || COMPREPLY+=($(compgen -d -- "$bare")) ;;
    esac
    return 0
}

complete -F _gatewaydoctor gatewaydoctor
"""
