"""The script for PowerShell 5 and later: one native completer that walks tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.completion.tree import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.completion.tree import Option, Program, Values, VerbNode


def script(program: Program) -> str:
    """The whole script; running it in a profile registers the completion."""
    groups = [each for each in program.commands if each.commands]
    places = (program, *groups, *program.leaves)
    tables = {
        "@EVERYWHERE@": _options(program.everywhere, 8),
        "@VERBS@": "\n".join(_verb(each, program) for each in places),
        "@WORDS@": "\n".join(_words(each) for each in program.all_values if each.words),
        "@ASKED@": "\n".join(
            f"        {_quoted(each.name)} = {_quoted(each.source)}" for each in program.all_values if each.source
        ),
        "@ADOPTED@": ", ".join(map(_quoted, program.adopted)),
        "@GROUPS@": ", ".join(_quoted(each.name) for each in groups),
        "@NAMES@": ", ".join(_quoted(each.name) for each in program.commands),
        "@DEFAULT@": _quoted(program.default),
    }
    text = _SCRIPT
    for mark, table in tables.items():
        text = text.replace(mark, table)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _options(options: Iterable[Option], indent: int) -> str:
    """Option = what it takes, which is nothing for a flag, and its help."""
    rows = []
    for option in options:
        taken = "" if option.metavar is None else option.values.name if option.values else "free"
        rows += [f"{_quoted(name)} = {_quoted(taken)}, {_quoted(plain(option.help))}" for name in option.names]
    return "\n".join(" " * indent + row for row in rows)


def _verb(command: VerbNode, program: Program) -> str:
    arguments = [each.values.name if each.values else "free" for each in command.arguments]
    if command.commands:
        arguments = [command.verbs.name]
    many = any(each.many for each in command.arguments)
    lines = (
        f"        {_quoted(command.name)} = @{{",
        f"            Arguments = @({', '.join(map(_quoted, arguments))})",
        f"            Many = ${str(many).lower()}",
        "            Options = [ordered]@{",
        _options(program.own(command), 16),
        "            }",
        "        }",
    )
    return "\n".join(line for line in lines if line)


def _words(values: Values) -> str:
    rows = (f"            {_quoted(each.text)} = {_quoted(plain(each.help))}" for each in values.words)
    return "\n".join((f"        {_quoted(values.name)} = [ordered]@{{", *rows, "        }"))


_SCRIPT = r"""# PowerShell completion for gatewaydoctor, made by: gatewaydoctor completions powershell
#
# To try it:   gatewaydoctor completions powershell | Out-String | Invoke-Expression
# To keep it:  add that line to the file $PROFILE names

Register-ArgumentCompleter -Native -CommandName gatewaydoctor -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $everywhere = [ordered]@{
@EVERYWHERE@
    }
    $verbs = @{
@VERBS@
    }
    $words = @{
@WORDS@
    }
    $asked = @{
@ASKED@
    }

    # Where the cursor is: the verb, the number of its argument, and what the option before the cursor takes.
    $verb = ''
    $number = 0
    $values = ''
    $elements = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $typed = @($elements | ForEach-Object { $_.Extent.Text })
    foreach ($word in @($typed | Select-Object -Skip 1)) {
        if ($values) { $values = ''; continue }
        if ($word.StartsWith('-')) {
            $name = $word.Split('=')[0]
            if (-not $verb -and $name -in @(@ADOPTED@)) { $verb = @DEFAULT@ }
            if ($word -eq $name) {
                $own = $verbs[$verb]
                if ($own -and $own.Options.Contains($name)) { $values = $own.Options[$name][0] }
                elseif ($everywhere.Contains($name)) { $values = $everywhere[$name][0] }
            }
        }
        elseif (-not $verb) { $verb = if ($word -in @(@NAMES@)) { $word } else { '?' } }
        elseif ($verb -in @(@GROUPS@)) { $verb = "$verb $word" }
        else { $number++ }
    }

    $here = $verbs[$verb]
    $prefix = ''
    $rest = $wordToComplete
    $offers = [ordered]@{}
    if (-not $values -and $rest.StartsWith('-')) {
        $name = $rest.Split('=')[0]
        $options = [ordered]@{}
        if ($here) { foreach ($each in $here.Options.Keys) { $options[$each] = $here.Options[$each] } }
        foreach ($each in $everywhere.Keys) { $options[$each] = $everywhere[$each] }
        if ($rest -eq $name) {
            foreach ($each in $options.Keys) { $offers[$each] = $options[$each][1] }
        }
        elseif ($options.Contains($name)) {
            $values = $options[$name][0]
            $prefix = "$name="
            $rest = $rest.Substring($prefix.Length)
        }
    }
    elseif (-not $values -and $here -and $here.Arguments.Count) {
        if ($number -lt $here.Arguments.Count) { $values = $here.Arguments[$number] }
        elseif ($here.Many) { $values = $here.Arguments[-1] }
    }

    if ($values -and $words.Contains($values)) {
        foreach ($each in $words[$values].Keys) { $offers[$each] = $words[$values][$each] }
    }
    if ($values -and $asked.Contains($values)) {
        $program = $typed[0].Trim("'", '"')
        foreach ($row in @(& $program __offer $asked[$values] '--' @typed 2>$null)) {
            $word, $help = $row -split "`t", 2
            $offers[$word] = $help
        }
    }

    # Where nothing is offered PowerShell goes on with files and directories, which is what is left.
    foreach ($each in $offers.Keys) {
        if (-not $each.StartsWith($rest, [StringComparison]::Ordinal)) { continue }
        $text = $prefix + $each
        if ($text -notmatch '^[\w./:=+-]+$') { $text = "'" + $text.Replace("'", "''") + "'" }
        $help = if ($offers[$each]) { $offers[$each] } else { $each }
        [System.Management.Automation.CompletionResult]::new($text, $each, 'ParameterValue', $help)
    }
}
"""
