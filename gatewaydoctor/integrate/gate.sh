gatewaydoctor_gate() (
    # gatewaydoctor_gate SECONDS ADVICE COMMAND...
    # Ends with 1 only where COMMAND, a `gatewaydoctor check`, says that a start now would
    # lose data, and says ADVICE. Switched off, missing, broken or slow it lets the gateway start.
    limit=$1 advice=$2
    shift 2

    say() { printf 'gatewaydoctor: %s\n' "$*" >&2; }

    check() {
        # From /, since a settings file in the working directory counts.
        (cd / && exec "$@") </dev/null &
        check=$!
        (
            trap '[ "$!" = "$check" ] || kill "$!"; exit' TERM
            sleep "$limit" &
            wait "$!"
            kill -KILL "$check"
        ) >/dev/null 2>&1 &
        clock=$!
        code=0
        wait "$check" 2>/dev/null || code=$?
        kill "$clock" 2>/dev/null
        return "$code"
    }

    case ${GATEWAYDOCTOR_GATE-on} in off | no | false | 0)
        say "GATEWAYDOCTOR_GATE=$GATEWAYDOCTOR_GATE, starting without a check."
        exit 0 ;;
    esac
    verdict=0
    check "$@" --fail-on critical >&2 || verdict=$?
    case $verdict in
        0) exit 0 ;;
        1)  # So ends a broken program, too; a sound one can say at once how it is used.
            if check "$@" --help >/dev/null 2>&1; then
                say "not started, since a start now would lose data, or the gateway would refuse it."
                printf '%s\n' "$advice" >&2
                exit 1
            fi
            why="$1 is broken" ;;
        126 | 127) why="$1 cannot be run" ;;
        *) why="the check could not be made (exit code $verdict)" ;;
    esac
    [ "$verdict" -le 128 ] || why="no answer within $limit seconds, or it was killed"
    say "starting without a check: $why."
)
