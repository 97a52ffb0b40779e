# bash completion for gatewaydoctor, made by: gatewaydoctor completions bash
#
# To try it:   source <(gatewaydoctor completions bash)
# To keep it:  gatewaydoctor completions bash > ~/.local/share/bash-completion/completions/gatewaydoctor

# Sets words to the options of a verb.
_gatewaydoctor_options() {
    case $1 in
    '') words='--fail-on --max-age --stuck-after --threshold --verify --output --format --version -V' ;;
    'scan') words='--fail-on --max-age --stuck-after --threshold --verify --output --format' ;;
    'forecast') words='--format' ;;
    'status') words='--format' ;;
    'cron') words='--format' ;;
    'stuck') words='--stuck-after --format' ;;
    'migration') words='--export --format' ;;
    'orphans') words='--format' ;;
    'subagents') words='--format' ;;
    'usage') words='--format' ;;
    'sessions') words='--status --kind --job --older-than --newer-than --key --larger-than --format' ;;
    'check') words='--fail-on --only --skip --baseline --write-baseline --max-age --stuck-after --threshold --verify --output --format' ;;
    'gate') words='--warn --heap-limit --limit --format' ;;
    'snapshot') words='--format' ;;
    'repair') words='--apply --yes -y --plan --plan-out --resume --vault --work-dir --gateway-stopped --name --kind --status --job --older-than --keep-per-job --max-entries --transcripts --end-as --disable --enable --park --unpark --drop --disable-retrying --format' ;;
    'park') words='--apply --yes -y --plan-out --vault --work-dir --gateway-stopped --format' ;;
    'unpark') words='--to-vault --apply --yes -y --plan-out --vault --work-dir --gateway-stopped --format' ;;
    'after') words='--vault --format' ;;
    'undo') words='--dry-run --merge --yes -y --vault --gateway-stopped --format' ;;
    'explain') words='--found --format' ;;
    'integrate') words='--form --program --unit --limit --image --package --gateway --fixtures --textfile-dir --output --format' ;;
    'completions') words='--format' ;;
    'runs list') words='--vault --format' ;;
    'runs show') words='--vault --format' ;;
    'runs verify') words='--vault --format' ;;
    'runs prune') words='--older-than --yes -y --vault --format' ;;
    'simulate cap-storm') words='--seed --duration --policy --remedy --compare --sensitivity --clock --plot --from-state-dir --schedule --max-entries --start-rows --mode --entry-bytes --setup --run --host-memory --base-heap --retained --retained-alone --reserve --healthy-walk --starved-walk --load-copies --pass-cost --handoff --restart --format' ;;
    'simulate stuck-cron') words='--seed --duration --policy --remedy --compare --sensitivity --clock --plot --from-state-dir --jobs --jitter --conversations --entry-bytes --run --run-timeout --save-cost --load-copies --loads-at-boot --base-heap --heap-limit --format' ;;
    'simulate subagent-maps') words='--seed --duration --policy --remedy --compare --sensitivity --clock --plot --from-state-dir --tickets --sessions-per-ticket --pace --session --heap-limit --base-heap --kept --registry-share --context-share --error-rate --record-bytes --end-saves --abort-rate --recipient-ttl --aborted-ttl --sequence-limit --archive-after --context-ttl --error-ttl --format' ;;
    'simulate chat-buffers') words='--seed --duration --policy --remedy --compare --sensitivity --clock --plot --from-state-dir --runs-per-hour --hung-share --run --run-timeout --heap-limit --base-heap --silent-share --kept --grace --batches --format' ;;
    'simulate usage-scan') words='--seed --duration --policy --remedy --compare --sensitivity --clock --plot --from-state-dir --stores --sessions --lines --spread --line-bytes --lookup --models --line-cost --read-cost --open-cost --piece --turns --calls --call-jitter --resolution --background --background-task --cache-line --cache-file --page --slice --patience --known-price --format' ;;
    'fixtures list') words='--format' ;;
    'fixtures make') words='--out --seed --scale --format' ;;
    'fixtures validate') words='--update --format' ;;
    'fixtures set-up') words='--out --format' ;;
    'fixtures new') words='--from --out --no-redact --format' ;;
    esac
    words="$words --state-dir --config --profile --store --agent --path-map --json --now --all --redact --no-color --quiet -q --verbose -v --debug --help -h"
}

# Sets values to what "<verb> <option>" takes; it stays empty for a flag, and is "free" where nothing is known.
_gatewaydoctor_option() {
    case $1 in
    'scan --fail-on') values=severity ;;
    'scan --max-age'|'scan --stuck-after') values=free ;;
    'scan --threshold') values=threshold ;;
    'scan --output') values=file ;;
    'scan --format') values=report-format ;;
    'forecast --format') values=format ;;
    'status --format') values=format ;;
    'cron --format') values=format ;;
    'stuck --stuck-after') values=free ;;
    'stuck --format') values=format ;;
    'migration --export') values=directory ;;
    'migration --format') values=format ;;
    'orphans --format') values=format ;;
    'subagents --format') values=format ;;
    'usage --format') values=format ;;
    'sessions --status') values=status ;;
    'sessions --kind') values=kind ;;
    'sessions --job') values=job ;;
    'sessions --older-than') values=free ;;
    'sessions --newer-than') values=free ;;
    'sessions --key') values=free ;;
    'sessions --larger-than') values=free ;;
    'sessions --format') values=stream-format ;;
    'check --fail-on') values=severity ;;
    'check --only') values=rule ;;
    'check --skip') values=rule ;;
    'check --baseline') values=file ;;
    'check --max-age'|'check --stuck-after') values=free ;;
    'check --threshold') values=threshold ;;
    'check --output') values=file ;;
    'check --format') values=report-format ;;
    'gate --heap-limit') values=free ;;
    'gate --limit') values=free ;;
    'gate --format') values=format ;;
    'snapshot --format') values=format ;;
    'repair --plan') values=file ;;
    'repair --plan-out') values=file ;;
    'repair --resume') values=interrupted-run ;;
    'repair --vault') values=directory ;;
    'repair --work-dir') values=directory ;;
    'repair --name') values=free ;;
    'repair --kind') values=disposable-kind ;;
    'repair --status') values=status ;;
    'repair --job') values=job ;;
    'repair --older-than') values=free ;;
    'repair --keep-per-job') values=keep-per-job ;;
    'repair --max-entries') values=free ;;
    'repair --transcripts') values=transcripts ;;
    'repair --end-as') values=ending ;;
    'repair --disable') values=job ;;
    'repair --enable') values=job ;;
    'repair --park') values=job ;;
    'repair --unpark') values=job ;;
    'repair --drop') values=job ;;
    'repair --format') values=format ;;
    'park --plan-out') values=file ;;
    'park --vault') values=directory ;;
    'park --work-dir') values=directory ;;
    'park --format') values=format ;;
    'unpark --plan-out') values=file ;;
    'unpark --vault') values=directory ;;
    'unpark --work-dir') values=directory ;;
    'unpark --format') values=format ;;
    'after --vault') values=directory ;;
    'after --format') values=format ;;
    'undo --vault') values=directory ;;
    'undo --format') values=format ;;
    'explain --format') values=format ;;
    'integrate --form') values=form ;;
    'integrate --program') values=file ;;
    'integrate --unit') values=free ;;
    'integrate --limit') values=free ;;
    'integrate --image') values=free ;;
    'integrate --package') values=package ;;
    'integrate --gateway') values=free ;;
    'integrate --fixtures') values=directory ;;
    'integrate --textfile-dir') values=directory ;;
    'integrate --output') values=file ;;
    'integrate --format') values=format ;;
    'completions --format') values=format ;;
    'runs list --vault') values=directory ;;
    'runs list --format') values=format ;;
    'runs show --vault') values=directory ;;
    'runs show --format') values=format ;;
    'runs verify --vault') values=directory ;;
    'runs verify --format') values=format ;;
    'runs prune --older-than') values=free ;;
    'runs prune --vault') values=directory ;;
    'runs prune --format') values=format ;;
    'simulate cap-storm --seed') values=free ;;
    'simulate cap-storm --duration') values=free ;;
    'simulate cap-storm --policy') values=release ;;
    'simulate cap-storm --remedy') values=remedy-cap-storm ;;
    'simulate cap-storm --clock') values=clock ;;
    'simulate cap-storm --plot') values=file ;;
    'simulate cap-storm --from-state-dir') values=directory ;;
    'simulate cap-storm --schedule') values=free ;;
    'simulate cap-storm --max-entries') values=free ;;
    'simulate cap-storm --start-rows') values=free ;;
    'simulate cap-storm --mode') values=free ;;
    'simulate cap-storm --entry-bytes') values=free ;;
    'simulate cap-storm --setup') values=free ;;
    'simulate cap-storm --run') values=free ;;
    'simulate cap-storm --host-memory') values=free ;;
    'simulate cap-storm --base-heap') values=free ;;
    'simulate cap-storm --retained') values=free ;;
    'simulate cap-storm --retained-alone') values=free ;;
    'simulate cap-storm --reserve') values=free ;;
    'simulate cap-storm --healthy-walk') values=free ;;
    'simulate cap-storm --starved-walk') values=free ;;
    'simulate cap-storm --load-copies') values=free ;;
    'simulate cap-storm --pass-cost') values=free ;;
    'simulate cap-storm --handoff') values=free ;;
    'simulate cap-storm --restart') values=free ;;
    'simulate cap-storm --format') values=format ;;
    'simulate stuck-cron --seed') values=free ;;
    'simulate stuck-cron --duration') values=free ;;
    'simulate stuck-cron --policy') values=release ;;
    'simulate stuck-cron --remedy') values=remedy-stuck-cron ;;
    'simulate stuck-cron --clock') values=clock ;;
    'simulate stuck-cron --plot') values=file ;;
    'simulate stuck-cron --from-state-dir') values=directory ;;
    'simulate stuck-cron --jobs') values=free ;;
    'simulate stuck-cron --jitter') values=free ;;
    'simulate stuck-cron --conversations') values=free ;;
    'simulate stuck-cron --entry-bytes') values=free ;;
    'simulate stuck-cron --run') values=free ;;
    'simulate stuck-cron --run-timeout') values=free ;;
    'simulate stuck-cron --save-cost') values=free ;;
    'simulate stuck-cron --load-copies') values=free ;;
    'simulate stuck-cron --loads-at-boot') values=free ;;
    'simulate stuck-cron --base-heap') values=free ;;
    'simulate stuck-cron --heap-limit') values=free ;;
    'simulate stuck-cron --format') values=format ;;
    'simulate subagent-maps --seed') values=free ;;
    'simulate subagent-maps --duration') values=free ;;
    'simulate subagent-maps --policy') values=release ;;
    'simulate subagent-maps --remedy') values=remedy-subagent-maps ;;
    'simulate subagent-maps --clock') values=clock ;;
    'simulate subagent-maps --plot') values=file ;;
    'simulate subagent-maps --from-state-dir') values=directory ;;
    'simulate subagent-maps --tickets') values=free ;;
    'simulate subagent-maps --sessions-per-ticket') values=free ;;
    'simulate subagent-maps --pace') values=free ;;
    'simulate subagent-maps --session') values=free ;;
    'simulate subagent-maps --heap-limit') values=free ;;
    'simulate subagent-maps --base-heap') values=free ;;
    'simulate subagent-maps --kept') values=free ;;
    'simulate subagent-maps --registry-share') values=free ;;
    'simulate subagent-maps --context-share') values=free ;;
    'simulate subagent-maps --error-rate') values=free ;;
    'simulate subagent-maps --record-bytes') values=free ;;
    'simulate subagent-maps --end-saves') values=free ;;
    'simulate subagent-maps --abort-rate') values=free ;;
    'simulate subagent-maps --recipient-ttl') values=free ;;
    'simulate subagent-maps --aborted-ttl') values=free ;;
    'simulate subagent-maps --sequence-limit') values=free ;;
    'simulate subagent-maps --archive-after') values=free ;;
    'simulate subagent-maps --context-ttl') values=free ;;
    'simulate subagent-maps --error-ttl') values=free ;;
    'simulate subagent-maps --format') values=format ;;
    'simulate chat-buffers --seed') values=free ;;
    'simulate chat-buffers --duration') values=free ;;
    'simulate chat-buffers --policy') values=release ;;
    'simulate chat-buffers --remedy') values=remedy-chat-buffers ;;
    'simulate chat-buffers --clock') values=clock ;;
    'simulate chat-buffers --plot') values=file ;;
    'simulate chat-buffers --from-state-dir') values=directory ;;
    'simulate chat-buffers --runs-per-hour') values=free ;;
    'simulate chat-buffers --hung-share') values=free ;;
    'simulate chat-buffers --run') values=free ;;
    'simulate chat-buffers --run-timeout') values=free ;;
    'simulate chat-buffers --heap-limit') values=free ;;
    'simulate chat-buffers --base-heap') values=free ;;
    'simulate chat-buffers --silent-share') values=free ;;
    'simulate chat-buffers --kept') values=free ;;
    'simulate chat-buffers --grace') values=free ;;
    'simulate chat-buffers --batches') values=free ;;
    'simulate chat-buffers --format') values=format ;;
    'simulate usage-scan --seed') values=free ;;
    'simulate usage-scan --duration') values=free ;;
    'simulate usage-scan --policy') values=release ;;
    'simulate usage-scan --remedy') values=remedy-usage-scan ;;
    'simulate usage-scan --clock') values=clock ;;
    'simulate usage-scan --plot') values=file ;;
    'simulate usage-scan --from-state-dir') values=directory ;;
    'simulate usage-scan --stores') values=free ;;
    'simulate usage-scan --sessions') values=free ;;
    'simulate usage-scan --lines') values=free ;;
    'simulate usage-scan --spread') values=free ;;
    'simulate usage-scan --line-bytes') values=free ;;
    'simulate usage-scan --lookup') values=free ;;
    'simulate usage-scan --models') values=free ;;
    'simulate usage-scan --line-cost') values=free ;;
    'simulate usage-scan --read-cost') values=free ;;
    'simulate usage-scan --open-cost') values=free ;;
    'simulate usage-scan --piece') values=free ;;
    'simulate usage-scan --turns') values=free ;;
    'simulate usage-scan --calls') values=free ;;
    'simulate usage-scan --call-jitter') values=free ;;
    'simulate usage-scan --resolution') values=free ;;
    'simulate usage-scan --background') values=free ;;
    'simulate usage-scan --background-task') values=free ;;
    'simulate usage-scan --cache-line') values=free ;;
    'simulate usage-scan --cache-file') values=free ;;
    'simulate usage-scan --page') values=free ;;
    'simulate usage-scan --slice') values=free ;;
    'simulate usage-scan --patience') values=free ;;
    'simulate usage-scan --known-price') values=free ;;
    'simulate usage-scan --format') values=format ;;
    'fixtures list --format') values=format ;;
    'fixtures make --out') values=directory ;;
    'fixtures make --seed') values=free ;;
    'fixtures make --scale') values=free ;;
    'fixtures make --format') values=format ;;
    'fixtures validate --format') values=fixture-format ;;
    'fixtures set-up --out') values=directory ;;
    'fixtures set-up --format') values=format ;;
    'fixtures new --from') values=directory ;;
    'fixtures new --out') values=directory ;;
    'fixtures new --format') values=format ;;
    *' --state-dir') values=directory ;;
    *' --config') values=file ;;
    *' --profile') values=profile ;;
    *' --store') values=file ;;
    *' --agent') values=agent ;;
    *' --path-map') values=free ;;
    *' --now') values=free ;;
    esac
}

# Sets values to what "<verb> <number>" takes, the number counting its arguments from 0.
_gatewaydoctor_argument() {
    case $1 in
    ' 0') values=verb ;;
    'scan 0') values=directory ;;
    'forecast 0') values=directory ;;
    'status 0') values=directory ;;
    'cron 0') values=directory ;;
    'stuck 0') values=directory ;;
    'migration 0') values=directory ;;
    'orphans 0') values=directory ;;
    'subagents 0') values=directory ;;
    'usage 0') values=directory ;;
    'sessions 0') values=directory ;;
    'check 0') values=directory ;;
    'gate 0') values=directory ;;
    'snapshot 0') values=snapshot ;;
    'snapshot 1') values=directory ;;
    'repair '*) values=repair ;;
    'park 0') values=free ;;
    'unpark 0') values=free ;;
    'after 0') values=run ;;
    'undo 0') values=run ;;
    'explain 0') values=rule ;;
    'explain 1') values=directory ;;
    'integrate 0') values=integrate-target ;;
    'completions 0') values=shell ;;
    'runs 0') values=verb-runs ;;
    'runs show 0') values=run ;;
    'runs verify 0') values=run ;;
    'runs prune 0') values=run ;;
    'simulate 0') values=verb-simulate ;;
    'fixtures 0') values=verb-fixtures ;;
    'fixtures make 0') values=recipe ;;
    'fixtures validate '*) values=directory ;;
    'fixtures set-up 0') values=directory ;;
    'fixtures new 0') values=free ;;
    esac
}

# Sets words, asked and paths to what some values are.
_gatewaydoctor_values() {
    case $1 in
    verb) words='scan forecast status cron stuck migration orphans subagents usage sessions check gate snapshot repair park unpark after undo explain integrate completions runs simulate fixtures' ;;
    verb-runs) words='list show verify prune' ;;
    verb-simulate) words='cap-storm stuck-cron subagent-maps chat-buffers usage-scan' ;;
    verb-fixtures) words='list make validate set-up new' ;;
    directory) paths=-d ;;
    severity) words='critical error warning info never' ;;
    threshold) words='heap-bytes= bloat-bytes= bloat-entry-bytes= bloat-share= isolated-runs= isolated-share= cron-marker= run-log-bytes= run-logs-bytes= transcript-bytes= boot-markers= archive-bytes= archive-files= sidecar-bytes= temp-age= subagents-warning= subagents-error= delivery-age= delivery-files= usage-loop= disk-bytes= disk-inodes=' ;;
    file) paths=-f ;;
    profile) asked=profiles ;;
    agent) asked=agents ;;
    report-format) words='text json ndjson junit github prometheus nagios markdown html' ;;
    format) words='text json' ;;
    status) words='running done failed killed timeout interrupted unknown' ;;
    kind) words='main global cron-base cron-run subagent acp hook node heartbeat direct group channel thread explicit model-run dashboard tui slash api other' ;;
    job) asked=jobs ;;
    stream-format) words='text json ndjson' ;;
    rule) words='legacy-store-beside-sqlite newer-schema migration-unfinished migration-receipt-open database-missing database-log-foreign database-log-missing database-entry-invalid database-empty database-corrupt database-owner database-foreign-keys database-schema database-quarantined database-unreadable legacy-file-left legacy-file-damaged store-unparseable store-too-large-for-gateway store-not-object store-empty-beside-transcripts backup-candidates store-copy-has-more store-heap-risk store-bloat store-over-cap store-at-cap maintenance-not-enforced store-duplicate-key store-case-variant-key store-unscoped-key store-invalid-entry store-prune-due session-parked session-resumes-at-boot session-stuck-running cron-phantom-running session-missing-transcript session-path-foreign migration-losses archive-growth archived-history sidecar-growth temp-leftover transcript-unindexed transcript-torn-tail transcript-bad-header transcript-huge transcript-boot-loop cron-rapid-retry cron-zombie-running cron-unknown-job cron-isolated-load cron-store-unparseable cron-jobs-lost cron-runlog-large cron-job-cannot-run cron-job-shares-state cron-job-parked cron-job-disabled jobs-not-in-database cron-job-not-run cron-one-shot-past cron-runs-too-often cron-owner-gone jobs-other-path config-newer config-without-mode config-unreadable config-refused config-shrunk database-lease permissions permission-denied hardlinked disk-space clock-behind multiple-state-dirs lock-stale lock-unknown delivery-backlog usage-scan-load subagent-never-archived subagent-orphaned subagents-unreadable' ;;
    snapshot) words='verify'; paths=-d ;;
    repair) words='salvage trim missing paths expire slim transcripts orphans locks temps cron subagents leftover logs quarantine schema jobs compact import queues park unpark space' ;;
    interrupted-run) asked=interrupted ;;
    disposable-kind) words='acp cron-run heartbeat hook model-run subagent' ;;
    keep-per-job) words='all' ;;
    transcripts) words='vault leave' ;;
    ending) words='failed timeout killed' ;;
    run) asked=runs ;;
    integrate-target) words='shell systemd launchd docker kubernetes cron github-actions prometheus ansible' ;;
    form) asked=forms ;;
    package) words='FILE IMAGE' ;;
    shell) words='bash zsh fish powershell' ;;
    release) words='2026.3.13 2026.3.28 2026.4.25 2026.5.22 2026.9.6' ;;
    remedy-cap-storm) words='chunked worker single-flight coalesce append-log persistent-keys smaller-cap all' ;;
    clock) words='virtual wall' ;;
    remedy-stuck-cron) words='reaper-max-age scheduler-guard cap-all-statuses streaming-load all' ;;
    remedy-subagent-maps) words='archive-session-runs context-ttl pending-error-ttl all' ;;
    remedy-chat-buffers) words='sweep-stale-buffers all' ;;
    remedy-usage-scan) words='prices price-cache worker chunked one-refresh cache paginate cancel all' ;;
    recipe) words='issue-61633 issue-61633-database cap-storm batch-subagents usage-heavy token-heavy many-entries' ;;
    fixture-format) words='text json junit github' ;;
    esac
}

# Moves on from what was typed so far by one word: sets verb, number, and values where the next word is one.
_gatewaydoctor_step() {
    local word=$1 name=${1%%=*}
    if [[ -n $values ]]; then
        values=''
    elif [[ $word == -* ]]; then
        [[ -n $verb ]] || case $name in --fail-on|--max-age|--stuck-after|--threshold|--verify|--output) verb=scan ;; esac
        [[ $word == *=* ]] || _gatewaydoctor_option "${verb:-scan} $word"
    elif [[ -z $verb ]]; then
        case $word in scan|forecast|status|cron|stuck|migration|orphans|subagents|usage|sessions|check|gate|snapshot|repair|park|unpark|after|undo|explain|integrate|completions|runs|simulate|fixtures) verb=$word ;; *) verb='?' ;; esac
    else
        case $verb in
            runs|simulate|fixtures) verb="$verb $word" ;;
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
        _gatewaydoctor_option "${verb:-scan} ${bare%%=*}"
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
