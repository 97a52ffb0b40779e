# fish completion for gatewaydoctor, made by: gatewaydoctor completions fish
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
            if test -z "$__gatewaydoctor_verb"; and contains -- $name --fail-on --max-age --stuck-after --threshold --verify --output
                set -g __gatewaydoctor_verb scan
            end
            if test $name = $word; and contains -- $name --abort-rate --aborted-ttl --agent --archive-after --background --background-task --base-heap --baseline --batches --cache-file --cache-line --call-jitter --calls --clock --config --context-share --context-ttl --conversations --disable --drop --duration --enable --end-as --end-saves --entry-bytes --error-rate --error-ttl --export --fail-on --fixtures --form --format --from --from-state-dir --gateway --grace --handoff --healthy-walk --heap-limit --host-memory --hung-share --image --jitter --job --jobs --keep-per-job --kept --key --kind --known-price --larger-than --limit --line-bytes --line-cost --lines --load-copies --loads-at-boot --lookup --max-age --max-entries --mode --models --name --newer-than --now --older-than --only --open-cost --out --output --pace --package --page --park --pass-cost --path-map --patience --piece --plan --plan-out --plot --policy --profile --program --read-cost --recipient-ttl --record-bytes --registry-share --remedy --reserve --resolution --restart --resume --retained --retained-alone --run --run-timeout --runs-per-hour --save-cost --scale --schedule --seed --sequence-limit --session --sessions --sessions-per-ticket --setup --silent-share --skip --slice --spread --start-rows --starved-walk --state-dir --status --store --stores --stuck-after --textfile-dir --threshold --tickets --transcripts --turns --unit --unpark --vault --work-dir
                set skip 1
            end
        else if test -z "$__gatewaydoctor_verb"
            set -g __gatewaydoctor_verb '?'
            contains -- $word scan forecast status cron stuck migration orphans subagents usage sessions check gate snapshot repair park unpark after undo explain integrate completions runs simulate fixtures; and set -g __gatewaydoctor_verb $word
        else if contains -- $__gatewaydoctor_verb runs simulate fixtures
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
        case verb
            printf '%s\t%s\n' \
                'scan' 'Show the verdict, what is wrong, and the next step (the default).' \
                'forecast' 'Show what happens when the gateway starts, in order.' \
                'status' 'Count sessions by status and kind, and what takes the space.' \
                'cron' 'List cron jobs with what their runs left: bursts, stuck runs.' \
                'stuck' 'List sessions marked running that are stuck, with evidence.' \
                'migration' 'Audit the move to databases: what is where, what is nowhere.' \
                'orphans' 'List files by class: unindexed history, archives, leftovers.' \
                'subagents' 'List subagent runs that are never archived or lost their session.' \
                'usage' 'Show what one sessions.usage call must read.' \
                'sessions' 'List the sessions themselves, filtered, as a table or a stream.' \
                'check' 'Exit 1 on findings: for scripts, CI and monitoring.' \
                'gate' 'Stop a start that would lose data, fail or loop.' \
                'snapshot' 'Copy the state directory consistently, with hashes.' \
                'repair' 'Show the plan of a repair; with --apply do exactly that.' \
                'park' 'Hide one session or agent from the next start, until unpark.' \
                'unpark' 'Put a parked session or agent back, also after a start.' \
                'after' 'Check a repair once the gateway is up.' \
                'undo' 'Put back what a run changed, byte for byte.' \
                'explain' 'Explain a finding: what it means, why, and what its repair does.' \
                'integrate' 'Print a snippet for systemd, Docker, Kubernetes, cron, CI, others.' \
                'completions' 'Print a completion script for bash, zsh, fish or powershell.' \
                'runs' 'List, show, verify or prune what earlier repairs kept.' \
                'simulate' 'Reproduce the storms of five incidents and compare remedies.' \
                'fixtures' 'Make directories to test with, and compare what they show.'
        case verb-runs
            printf '%s\t%s\n' \
                'list' 'List every run and how far it got.' \
                'show' 'Show what a run did and whether it can be undone.' \
                'verify' 'Hash what the vault holds and compare with its manifest.' \
                'prune' 'Delete the originals of a run for good.'
        case verb-simulate
            printf '%s\t%s\n' \
                'cap-storm' 'A store at its cap: a pass for every burst of new sessions (72826).' \
                'stuck-cron' 'Cron runs that never end, and a store that no longer loads (61633).' \
                'subagent-maps' 'Three maps that let nothing go (52725).' \
                'chat-buffers' 'Buffers of runs that never end (51821).' \
                'usage-scan' 'Usage calls that starve the event loop (003).'
        case verb-fixtures
            printf '%s\t%s\n' \
                'list' 'List the recipes and what each one makes.' \
                'make' 'Make a state directory by a recipe, byte for byte the same each time.' \
                'validate' 'Compare fixtures with what has to be found in them.' \
                'set-up' 'Copy a fixture\'s state directory with its times, modes and sizes, to examine it directly.' \
                'new' 'Turn a state directory into a small, anonymised fixture that shows the same.'
        case directory
            __fish_complete_directories
        case severity
            printf '%s\t%s\n' \
                'critical' '' \
                'error' '' \
                'warning' '' \
                'info' '' \
                'never' ''
        case threshold
            printf '%s\t%s\n' \
                'heap-bytes=' '' \
                'bloat-bytes=' '' \
                'bloat-entry-bytes=' '' \
                'bloat-share=' '' \
                'isolated-runs=' '' \
                'isolated-share=' '' \
                'cron-marker=' '' \
                'run-log-bytes=' '' \
                'run-logs-bytes=' '' \
                'transcript-bytes=' '' \
                'boot-markers=' '' \
                'archive-bytes=' '' \
                'archive-files=' '' \
                'sidecar-bytes=' '' \
                'temp-age=' '' \
                'subagents-warning=' '' \
                'subagents-error=' '' \
                'delivery-age=' '' \
                'delivery-files=' '' \
                'usage-loop=' '' \
                'disk-bytes=' '' \
                'disk-inodes=' ''
        case file
        case profile
            __gatewaydoctor_ask profiles
        case agent
            __gatewaydoctor_ask agents
        case report-format
            printf '%s\t%s\n' \
                'text' '' \
                'json' '' \
                'ndjson' '' \
                'junit' '' \
                'github' '' \
                'prometheus' '' \
                'nagios' '' \
                'markdown' '' \
                'html' ''
        case format
            printf '%s\t%s\n' \
                'text' '' \
                'json' ''
        case status
            printf '%s\t%s\n' \
                'running' '' \
                'done' '' \
                'failed' '' \
                'killed' '' \
                'timeout' '' \
                'interrupted' '' \
                'unknown' ''
        case kind
            printf '%s\t%s\n' \
                'main' '' \
                'global' '' \
                'cron-base' '' \
                'cron-run' '' \
                'subagent' '' \
                'acp' '' \
                'hook' '' \
                'node' '' \
                'heartbeat' '' \
                'direct' '' \
                'group' '' \
                'channel' '' \
                'thread' '' \
                'explicit' '' \
                'model-run' '' \
                'dashboard' '' \
                'tui' '' \
                'slash' '' \
                'api' '' \
                'other' ''
        case job
            __gatewaydoctor_ask jobs
        case stream-format
            printf '%s\t%s\n' \
                'text' '' \
                'json' '' \
                'ndjson' ''
        case rule
            printf '%s\t%s\n' \
                'legacy-store-beside-sqlite' 'A sessions.json remains next to a session database' \
                'newer-schema' 'A database has a newer schema than gatewaydoctor knows' \
                'migration-unfinished' 'An import into a database was not finished' \
                'migration-receipt-open' 'A migration is not marked as completed' \
                'database-missing' 'A database is gone' \
                'database-log-foreign' 'A database has the log of another one' \
                'database-log-missing' 'The log of a database is gone' \
                'database-entry-invalid' 'Session rows that a start would rebuild with losses' \
                'database-empty' 'A database is empty' \
                'database-corrupt' 'A database is damaged' \
                'database-owner' 'A database belongs to another agent' \
                'database-foreign-keys' 'Rows of a database refer to rows that are gone' \
                'database-schema' 'The tables of a database are not those of its release' \
                'database-quarantined' 'The gateway has put a database under quarantine' \
                'database-unreadable' 'A database could not be read' \
                'legacy-file-left' 'A file of an earlier release keeps the gateway from starting' \
                'legacy-file-damaged' 'A damaged file of an earlier release' \
                'store-unparseable' 'The session store is damaged' \
                'store-too-large-for-gateway' 'The session store is larger than the gateway can read' \
                'store-not-object' 'The session store is not a JSON object' \
                'store-empty-beside-transcripts' 'The session store is empty or missing, but its transcripts remain' \
                'backup-candidates' 'Files that may hold the lost sessions' \
                'store-copy-has-more' 'A file next to the store has conversations that it lacks' \
                'store-heap-risk' 'Loading the session store may exhaust the heap' \
                'store-bloat' 'Copies of prompts fill the session store' \
                'store-over-cap' 'The session store has more sessions than its cap' \
                'store-at-cap' 'The session store is at its cap' \
                'maintenance-not-enforced' 'Maintenance only warns while the store grows' \
                'store-duplicate-key' 'A session key appears more than once' \
                'store-case-variant-key' 'Session keys differ only in case' \
                'store-unscoped-key' 'Session keys without an agent become keys that exist' \
                'store-invalid-entry' 'Sessions with values the gateway cannot use' \
                'store-prune-due' 'The next save removes conversations by age' \
                'session-parked' 'Parked sessions' \
                'session-resumes-at-boot' 'The next start resumes sessions' \
                'session-stuck-running' 'Sessions are stuck at running' \
                'cron-phantom-running' 'A job row is stuck at running and is copied into later runs' \
                'session-missing-transcript' 'Sessions whose transcript is missing' \
                'session-path-foreign' 'Sessions with paths of another host' \
                'migration-losses' 'Only the archive of an import has what people wrote' \
                'archive-growth' 'Archives fill the sessions directory' \
                'archived-history' 'Archives with people\'s history that the gateway will delete' \
                'sidecar-growth' 'Checkpoints and trajectories fill the sessions directory' \
                'temp-leftover' 'Temp files left by interrupted writes' \
                'transcript-unindexed' 'Unindexed transcripts' \
                'transcript-torn-tail' 'Transcripts whose end is damaged' \
                'transcript-bad-header' 'Transcripts without a valid header' \
                'transcript-huge' 'Transcripts large enough to freeze the gateway' \
                'transcript-boot-loop' 'Transcripts that end in repeated restarts' \
                'cron-rapid-retry' 'Cron jobs start in bursts' \
                'cron-zombie-running' 'Cron jobs are marked as running, but nothing is running' \
                'cron-unknown-job' 'Rows of cron jobs that no longer exist' \
                'cron-isolated-load' 'Isolated cron runs fill the store' \
                'cron-store-unparseable' 'The cron store is damaged or cannot be read' \
                'cron-jobs-lost' 'Jobs found only in backups' \
                'cron-runlog-large' 'Cron run logs are large' \
                'cron-job-cannot-run' 'Cron jobs that this release does not run' \
                'cron-job-shares-state' 'Cron jobs that keep their state under one id' \
                'cron-job-parked' 'Parked cron jobs do not run' \
                'cron-job-disabled' 'Cron jobs disabled by a repair' \
                'jobs-not-in-database' 'Cron jobs that are not in the database' \
                'cron-job-not-run' 'Cron jobs that do not run when they are scheduled' \
                'cron-one-shot-past' 'One-shot jobs past their time are still enabled' \
                'cron-runs-too-often' 'Cron jobs run more often than they are scheduled' \
                'cron-owner-gone' 'Cron jobs of agents that are not configured' \
                'jobs-other-path' 'Cron jobs are filed under another directory' \
                'config-newer' 'The config was written by a newer release than last started here' \
                'config-without-mode' 'The gateway does not start without gateway.mode' \
                'config-unreadable' 'The config has errors or cannot be read' \
                'config-refused' 'The config has settings that the release refuses' \
                'config-shrunk' 'Much of the config is missing' \
                'database-lease' 'A lease in the state database has not expired' \
                'permissions' 'Wrong owners or permissions' \
                'permission-denied' 'Permission to read or write is missing' \
                'hardlinked' 'Stores or transcripts with a second hard link' \
                'disk-space' 'The volume is almost full' \
                'clock-behind' 'The clock is earlier than the newest file' \
                'multiple-state-dirs' 'Other state directories exist' \
                'lock-stale' 'Locks whose process has ended' \
                'lock-unknown' 'Locks whose owner cannot be checked from here' \
                'delivery-backlog' 'Undelivered messages' \
                'usage-scan-load' 'One usage call keeps the gateway busy' \
                'subagent-never-archived' 'Ended subagent runs that nothing archives' \
                'subagent-orphaned' 'Subagent runs without a session' \
                'subagents-unreadable' 'The subagent registry cannot be read'
        case snapshot
            printf '%s\t%s\n' \
                'verify' 'Hash a snapshot again.'
            __fish_complete_directories
        case repair
            printf '%s\t%s\n' \
                'salvage' 'Recover every complete session of a damaged store.' \
                'trim' 'Remove rows of runs that are over; no conversation.' \
                'missing' 'Re-point sessions whose transcript is elsewhere.' \
                'paths' 'Rewrite session paths of another host.' \
                'expire' 'Set an end status on stuck sessions.' \
                'slim' 'Drop fields the gateway rebuilds.' \
                'transcripts' 'Repair cut tails and headers of transcripts.' \
                'orphans' 'Move unindexed transcripts without a conversation to the vault.' \
                'locks' 'Move locks of ended processes to the vault.' \
                'temps' 'Move old temp files to the vault.' \
                'cron' 'Clear marks of runs; park, disable, enable jobs.' \
                'subagents' 'Remove ended subagent runs that nothing archives.' \
                'leftover' 'Remove from a leftover sessions.json what the database has; move damaged old files to the vault.' \
                'logs' 'Move the log of another database to the vault; rebuild a log\'s damaged header.' \
                'quarantine' 'Remove quarantine records of sound databases.' \
                'schema' 'Put triggers back; drop rows that refer to nothing.' \
                'jobs' 'File cron jobs under the path the directory has now.' \
                'compact' 'Rebuild databases without their free pages.' \
                'import' 'Put back what an import lost, for the next start to import.' \
                'queues' 'Move messages that wait for more than a day to the vault.' \
                'park' 'Hide the session or agent named by --name from the next start.' \
                'unpark' 'Put back what was parked.' \
                'space' 'Move what can be made again to a vault on another disk.'
        case interrupted-run
            __gatewaydoctor_ask interrupted
        case disposable-kind
            printf '%s\t%s\n' \
                'acp' '' \
                'cron-run' '' \
                'heartbeat' '' \
                'hook' '' \
                'model-run' '' \
                'subagent' ''
        case keep-per-job
            printf '%s\t%s\n' \
                'all' ''
        case transcripts
            printf '%s\t%s\n' \
                'vault' '' \
                'leave' ''
        case ending
            printf '%s\t%s\n' \
                'failed' '' \
                'timeout' '' \
                'killed' ''
        case run
            __gatewaydoctor_ask runs
        case integrate-target
            printf '%s\t%s\n' \
                'shell' '' \
                'systemd' '' \
                'launchd' '' \
                'docker' '' \
                'kubernetes' '' \
                'cron' '' \
                'github-actions' '' \
                'prometheus' '' \
                'ansible' ''
        case form
            __gatewaydoctor_ask forms
        case package
            printf '%s\t%s\n' \
                'FILE' '' \
                'IMAGE' ''
        case shell
            printf '%s\t%s\n' \
                'bash' '' \
                'zsh' '' \
                'fish' '' \
                'powershell' ''
        case release
            printf '%s\t%s\n' \
                '2026.3.13' '' \
                '2026.3.28' '' \
                '2026.4.25' '' \
                '2026.5.22' '' \
                '2026.9.6' ''
        case remedy-cap-storm
            printf '%s\t%s\n' \
                'chunked' 'A save gives others a turn between its pieces; the collector still walks the heap in one piece.' \
                'worker' 'The pass runs on another thread; what it leaves behind is in that thread\'s heap and goes with it.' \
                'single-flight' 'Rows that arrive while a pass computes join it; it computes for milliseconds, so hardly any do.' \
                'coalesce' 'The runs of one tick write within seconds of each other, so waiting 5 s makes one pass of two.' \
                'append-log' 'A new row costs its own size; only compacting the log is a pass over the whole file.' \
                'persistent-keys' 'A job that keeps its session makes no new row, so the store is never over its cap.' \
                'smaller-cap' 'As many passes over half the file: half the work, and whatever else a pass leaves behind stays.' \
                'all' 'All of them together.'
        case clock
            printf '%s\t%s\n' \
                'virtual' '' \
                'wall' ''
        case remedy-stuck-cron
            printf '%s\t%s\n' \
                'reaper-max-age' 'Stuck runs and job rows are set to failed, which later runs copy; run rows older than a day go again.' \
                'scheduler-guard' 'No run starts while one hangs, so the bursts never happen and the file stays small.' \
                'cap-all-statuses' 'The store stays at its cap, but the newest rows are the noise, so the conversations go first.' \
                'streaming-load' 'A start needs memory for one row and an index, whatever the file has become.' \
                'all' 'All of them together.'
        case remedy-subagent-maps
            printf '%s\t%s\n' \
                'archive-session-runs' 'The registry holds five minutes of finished runs, and runs.json is no longer rewritten ever larger.' \
                'context-ttl' 'Contexts that no lifecycle event clears go after half an hour.' \
                'pending-error-ttl' 'An error whose retry never ends is given up after five minutes.' \
                'all' 'All of them together.'
        case remedy-chat-buffers
            printf '%s\t%s\n' \
                'sweep-stale-buffers' 'A hung run\'s text goes an hour after its timeout, so the heap settles instead of growing.' \
                'all' 'All of them together.'
        case remedy-usage-scan
            printf '%s\t%s\n' \
                'prices' 'A price that models.json lists is found at once: 1 ms a usage line instead of 120.' \
                'price-cache' 'Only the first line of each model pays for the lookup.' \
                'worker' 'Reading and pricing leave the event loop, as in 2026.9.6.' \
                'chunked' 'Others get their turn after two lines; the work stays, and several agents\' lines still share a turn.' \
                'one-refresh' 'The pieces of several agents no longer share a turn; the work stays.' \
                'cache' 'Each file is read once. 2026.5.22 does that already, and it is the first reading that blocks.' \
                'paginate' 'Fewer files are summed, and the rest only when a later page is asked for.' \
                'cancel' 'The work is spread over more calls; each piece still blocks.' \
                'all' 'All of them together.'
        case recipe
            printf '%s\t%s\n' \
                'issue-61633' 'stuck cron runs piled up in bursts, with long prompts' \
                'issue-61633-database' 'the same as an import into a database leaves it' \
                'cap-storm' 'a store at its cap of 50 and 5,176 transcripts' \
                'batch-subagents' '2,800 subagent runs that nothing archives' \
                'usage-heavy' '9 stores with long transcripts for one usage call' \
                'token-heavy' 'as issue-61633, but of many small fields' \
                'many-entries' 'a million small entries'
        case fixture-format
            printf '%s\t%s\n' \
                'text' '' \
                'json' '' \
                'junit' '' \
                'github' ''
    end
end

complete -c gatewaydoctor -e
complete -c gatewaydoctor -f
complete -c gatewaydoctor -l state-dir -d 'State directory to examine.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -l config -d 'openclaw.json to read the settings from.' -r -F
complete -c gatewaydoctor -l profile -d 'Profile: ~/.openclaw-NAME.' -x -k -a '(__gatewaydoctor_offer profile)'
complete -c gatewaydoctor -l store -d 'Examine this one sessions.json alone.' -r -F
complete -c gatewaydoctor -l agent -d 'Examine this one agent.' -x -k -a '(__gatewaydoctor_offer agent)'
complete -c gatewaydoctor -l path-map -d 'Read absolute paths below FROM as below TO; repeatable.' -x
complete -c gatewaydoctor -l json -d 'One JSON document on stdout.'
complete -c gatewaydoctor -l now -d 'Clock for every age: ISO or epoch ms (env GATEWAYDOCTOR_NOW).' -x
complete -c gatewaydoctor -l all -d 'Show every item of capped lists.'
complete -c gatewaydoctor -l redact -d 'Replace ids, names and paths, consistently, for sharing.'
complete -c gatewaydoctor -l no-color -d 'No colours (also NO_COLOR).'
complete -c gatewaydoctor -l quiet -s q -d 'Only what is asked for: no progress, no hints.'
complete -c gatewaydoctor -l verbose -s v -d 'More evidence, and where settings come from.'
complete -c gatewaydoctor -l debug -d 'Show the traceback of a bug.'
complete -c gatewaydoctor -l help -s h -d 'Show this message and exit.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l fail-on -d 'Exit 1 on findings of this severity or worse: critical, error, warning, info, never. [default: never; with --format nagios warning]' -x -k -a '(__gatewaydoctor_offer severity)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l max-age -l stuck-after -d 'Silence after which a session marked running is stuck. [default: 1h]' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l threshold -d 'Change a rule\'s threshold, such as bloat-bytes=20MB; repeatable.' -x -k -a '(__gatewaydoctor_offer threshold)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l verify -d 'Also verify every -wal checksum and index entry of databases.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l output -d 'Write the output to FILE atomically.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer report-format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\'' -l version -s V -d 'Show the version and exit.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'\' 0' -k -a '(__gatewaydoctor_offer verb)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs\' 0' -k -a '(__gatewaydoctor_offer verb-runs)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate\' 0' -k -a '(__gatewaydoctor_offer verb-simulate)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures\' 0' -k -a '(__gatewaydoctor_offer verb-fixtures)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l fail-on -d 'Exit 1 on findings of this severity or worse: critical, error, warning, info, never. [default: never; with --format nagios warning]' -x -k -a '(__gatewaydoctor_offer severity)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l max-age -l stuck-after -d 'Silence after which a session marked running is stuck. [default: 1h]' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l threshold -d 'Change a rule\'s threshold, such as bloat-bytes=20MB; repeatable.' -x -k -a '(__gatewaydoctor_offer threshold)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l verify -d 'Also verify every -wal checksum and index entry of databases.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l output -d 'Write the output to FILE atomically.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer report-format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'scan\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'forecast\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'forecast\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'status\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'status\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'cron\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'cron\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'stuck\'' -l stuck-after -d 'Silence after which a session marked running is stuck.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'stuck\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'stuck\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'migration\'' -l export -d 'Write what only files have to a new directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'migration\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'migration\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'orphans\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'orphans\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'subagents\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'subagents\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'usage\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'usage\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l status -d 'Status; repeatable.' -x -k -a '(__gatewaydoctor_offer status)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l kind -d 'Kind; repeatable.' -x -k -a '(__gatewaydoctor_offer kind)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l job -d 'Cron job: id or name; repeatable.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l older-than -d 'Not updated for this long.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l newer-than -d 'Updated within this time.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l key -d 'Keys that match, such as *:cron:*.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l larger-than -d 'Bytes, or with k, M, G.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer stream-format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'sessions\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l fail-on -d 'Fail on findings of this severity or worse: critical, error, warning, info, never. [default: error; with --format nagios warning]' -x -k -a '(__gatewaydoctor_offer severity)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l only -d 'Check only these rules; globs, repeatable.' -x -k -a '(__gatewaydoctor_offer rule)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l skip -d 'Leave these rules out; globs, repeatable.' -x -k -a '(__gatewaydoctor_offer rule)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l baseline -d 'Findings in this file do not fail until they grow or worsen.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l write-baseline -d 'Write what is found now to the baseline file, and pass.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l max-age -l stuck-after -d 'Silence after which a session marked running is stuck. [default: 1h]' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l threshold -d 'Change a rule\'s threshold, such as bloat-bytes=20MB; repeatable.' -x -k -a '(__gatewaydoctor_offer threshold)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l verify -d 'Also verify every -wal checksum and index entry of databases.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l output -d 'Write the output to FILE atomically.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer report-format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'check\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'gate\'' -l warn -d 'Print what would stop the start, but exit 0.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'gate\'' -l heap-limit -d 'Heap this gateway may use, such as 4GB. [default: from its service, NODE_OPTIONS or memory limit]' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'gate\'' -l limit -d 'Give up after this long and exit 0.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'gate\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'gate\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'snapshot\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'snapshot\' 0' -k -a '(__gatewaydoctor_offer snapshot)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'snapshot\' 1' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l apply -d 'Do it. Without this only the plan is shown.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l yes -s y -d 'Do it without asking.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l plan -d 'Apply this saved plan.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l plan-out -d 'Save the plan.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l resume -d 'Finish an interrupted run.' -x -k -a '(__gatewaydoctor_offer interrupted-run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l work-dir -d 'Where databases are copied and edited. [default: in the vault]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l gateway-stopped -d 'Assert that the gateway is stopped, if that is unknown; recorded.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l name -d 'Let this session or file go although protected; repeatable.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l kind -d 'trim: another disposable kind; repeatable.' -x -k -a '(__gatewaydoctor_offer disposable-kind)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l status -d 'trim: only this status.' -x -k -a '(__gatewaydoctor_offer status)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l job -d 'trim: only this cron job.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l older-than -d 'trim, temps, subagents, queues: age from which they go.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l keep-per-job -d 'trim: newest runs kept, or all.' -x -k -a '(__gatewaydoctor_offer keep-per-job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l max-entries -d 'trim: rows left, at most.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l transcripts -d 'trim: of rows that go.' -x -k -a '(__gatewaydoctor_offer transcripts)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l end-as -d 'expire: failed, timeout or killed.' -x -k -a '(__gatewaydoctor_offer ending)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l disable -d 'cron: disable this job; repeatable.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l enable -d 'cron: enable this job; repeatable.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l park -d 'cron: take this job out of the gateway\'s sight.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l unpark -d 'cron: put a parked job back.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l drop -d 'cron: let a parked job go for good.' -x -k -a '(__gatewaydoctor_offer job)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l disable-retrying -d 'Disable jobs that retry without end, if their runs go. [default: if a person confirms]'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'repair\'' -k -a '(__gatewaydoctor_offer repair)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l apply -d 'Do it. Without this only the plan is shown.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l yes -s y -d 'Do it without asking.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l plan-out -d 'Save the plan.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l work-dir -d 'Where databases are copied and edited. [default: in the vault]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l gateway-stopped -d 'Assert that the gateway is stopped, if that is unknown; recorded.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'park\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l to-vault -d 'Move it to the vault instead: it is not wanted any more.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l apply -d 'Do it. Without this only the plan is shown.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l yes -s y -d 'Do it without asking.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l plan-out -d 'Save the plan.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l work-dir -d 'Where databases are copied and edited. [default: in the vault]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l gateway-stopped -d 'Assert that the gateway is stopped, if that is unknown; recorded.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'unpark\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'after\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'after\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'after\' 0' -k -a '(__gatewaydoctor_offer run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l dry-run -d 'Show what would be restored; write nothing.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l merge -d 'Add back only what is missing.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l yes -s y -d 'Do it without asking.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l gateway-stopped -d 'Assert that the gateway is stopped, if that is unknown; recorded.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'undo\' 0' -k -a '(__gatewaydoctor_offer run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'explain\'' -l found -d 'Also show the findings of this rule in the state directory.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'explain\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'explain\' 0' -k -a '(__gatewaydoctor_offer rule)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'explain\' 1' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l form -d 'systemd: user, system; docker: dockerfile, compose; kubernetes: patch, cronjob; prometheus: cron, service, timer, alerts. The first is the usual one.' -x -k -a '(__gatewaydoctor_offer form)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l program -d 'What starts gatewaydoctor. [default: this program]' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l unit -d 'Name of the service, LaunchAgent or Deployment of the gateway.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l limit -d 'How long a check may hold up a start. [default: 20]' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l image -d 'docker: the gateway\'s image; kubernetes: one with gatewaydoctor.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l package -d 'Where gatewaydoctor comes from: a .pyz, a .whl, a directory of wheels, or an image. [default: gatewaydoctor.pyz]' -x -k -a '(__gatewaydoctor_offer package)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l gateway -d 'launchd, docker: what starts the gateway.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l fixtures -d 'github-actions: where the fixtures are.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l textfile-dir -d 'prometheus: what the textfile collector reads.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l output -d 'Write the snippet to FILE atomically.' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'integrate\' 0' -k -a '(__gatewaydoctor_offer integrate-target)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'completions\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'completions\' 0' -k -a '(__gatewaydoctor_offer shell)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs list\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs list\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs show\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs show\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs show\' 0' -k -a '(__gatewaydoctor_offer run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs verify\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs verify\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs verify\' 0' -k -a '(__gatewaydoctor_offer run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs prune\'' -l older-than -d 'Runs that ended longer ago.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs prune\'' -l yes -s y -d 'Do it without asking.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs prune\'' -l vault -d 'Where originals are kept. [default: in the state directory]' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs prune\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'runs prune\' 0' -k -a '(__gatewaydoctor_offer run)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l seed -d 'Same seed, same output, byte for byte.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l duration -d 'Simulated time, such as 24h.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l policy -d 'Mechanisms of this release.' -x -k -a '(__gatewaydoctor_offer release)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l remedy -d 'Apply this remedy, or all; repeatable.' -x -k -a '(__gatewaydoctor_offer remedy-cap-storm)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l compare -d 'No remedy, each, and all: one table.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l sensitivity -d 'Vary each input to half and double its value.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l clock -d 'wall runs the store for real as well.' -x -k -a '(__gatewaydoctor_offer clock)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l plot -d 'Draw it: .svg or .png (needs matplotlib).' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l from-state-dir -d 'Take the workload from a real directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l schedule -d '50 jobs (given) whose intervals are chosen to make 1,725 sessions a day (5,176 in three days, given) [jobs] Default \'2x5m 3x10m 3x15m 4x30m 1x30m~ 6x1h~ 14x12h~ 17x1d~\' (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l max-entries -d 'session.maintenance.maxEntries [rows] Default 50 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l start-rows -d 'rows in the store at the start [rows] Default 50 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l mode -d 'session.maintenance.mode, warn or enforce; empty: the release\'s default Default \'\' (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l entry-bytes -d 'a file of 1.3 to 1.5 MB over 50 rows [bytes] Default 28000 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l setup -d 'a run writes its row up to this long after it is due [s] Default 4.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l run -d 'a run saves the store a second time when it ends, this long after its row [s] Default 45.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l host-memory -d 'memory of the host; V8 allows itself half of it, at most 2 GB [bytes] Default 4000000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l base-heap -d 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l retained -d 'a pass, as reported: 11 MB/min for 112 min over 55 passes. Nothing explains it [bytes] Default 22400000.0 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l retained-alone -d 'a pass of the real 2026.4.25 over 50 rows of 1.56 MB [bytes] Default 19000.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l reserve -d 'V8 gives up when a full collection leaves less than this free [of the heap] Default 0.05 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l healthy-walk -d 'a full collection over the heap of a fresh process [bytes/s] Default 1000000000.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l starved-walk -d 'over what has been kept since; chosen so that the median block is 36 to 60 s [bytes/s] Default 8500000.0 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l load-copies -d '2026.3.28 takes 1.85 GB in all with a store of 185 MB [times the file] Default 10.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l pass-cost -d '2026.4.25: 24 ms of work for a pass over 1.56 MB [s/byte] Default 1.54e-08 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l handoff -d 'to hand a pass to a worker, append a record, or write a row to a database [s] Default 0.005 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l restart -d 'from the crash until the gateway is back [s] Default 20.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate cap-storm\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l seed -d 'Same seed, same output, byte for byte.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l duration -d 'Simulated time, such as 24h.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l policy -d 'Mechanisms of this release.' -x -k -a '(__gatewaydoctor_offer release)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l remedy -d 'Apply this remedy, or all; repeatable.' -x -k -a '(__gatewaydoctor_offer remedy-stuck-cron)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l compare -d 'No remedy, each, and all: one table.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l sensitivity -d 'Vary each input to half and double its value.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l clock -d 'wall runs the store for real as well.' -x -k -a '(__gatewaydoctor_offer clock)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l plot -d 'Draw it: .svg or .png (needs matplotlib).' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l from-state-dir -d 'Take the workload from a real directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l jobs -d 'name=TICKSxINTERVAL:RUNS:STATUS>STATUS@RUN: RUNS over all TICKS (with + they go on at that rate), the status of the job row, and the run that a crash of the gateway cuts short, leaving the job row running [jobs] Default \'morning-sleep-report=68x22.5s:2075:none>running@59 git-backup-night=49+x3540s:2236:failed>running@151 ssl-price-check=97+x1788s:2211:none fourth-job=1x24h:1:done fifth-job=1x24h:1:done\' (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l jitter -d 'the first job\'s ticks are 20 to 25 s apart [s] Default 2.5 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l conversations -d 'of the 15 rows that are not runs, five are job rows [rows] Default 10 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l entry-bytes -d '185 MB over 6,539 rows [bytes] Default 28292 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l run -d 'length of a run that ends [s] Default 20.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l run-timeout -d 'an agent turn is given up after 60 min (docs/gateway.md section 7) [s] Default 3600.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l save-cost -d '2026.3.28: 7.6 s of work on 176 MB (its own cleanup, dry run) [s/byte] Default 4.3e-08 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l load-copies -d '2026.3.28 takes 1.85 GB to load 185 MB once [times the file] Default 10.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l loads-at-boot -d 'seen with 2026.3.28; the reporter\'s estimate of 33 GB would be 18 loads at once, unexplained [loads] Default 1.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l base-heap -d '2026.3.28 has 493 MB resident after a start, some of it outside V8 [bytes] Default 450000000.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l heap-limit -d 'the heap V8 allows itself there [bytes] Default 2300000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate stuck-cron\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l seed -d 'Same seed, same output, byte for byte.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l duration -d 'Simulated time, such as 24h.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l policy -d 'Mechanisms of this release.' -x -k -a '(__gatewaydoctor_offer release)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l remedy -d 'Apply this remedy, or all; repeatable.' -x -k -a '(__gatewaydoctor_offer remedy-subagent-maps)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l compare -d 'No remedy, each, and all: one table.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l sensitivity -d 'Vary each input to half and double its value.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l clock -d 'wall runs the store for real as well.' -x -k -a '(__gatewaydoctor_offer clock)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l plot -d 'Draw it: .svg or .png (needs matplotlib).' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l from-state-dir -d 'Take the workload from a real directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l tickets -d 'size of the batch [tickets] Default 1400 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l sessions-per-ticket -d 'agent sessions each ticket makes [sessions] Default 2 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l pace -d 'one ticket after the other [s] Default 30.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l session -d 'how long a session runs [s] Default 240.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l heap-limit -d 'heap at which the process runs out of memory [bytes] Default 8000000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l base-heap -d 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l kept -d '8 GB less the start, over 2,700 of the 2,800 sessions: one, in all maps [bytes] Default 2620000.0 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l registry-share -d 'of it in subagentRuns; the report gives only the sum Default 0.3333333333333333 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l context-share -d 'of it in runContextById Default 0.3333333333333333 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l error-rate -d 'sessions that leave a pending lifecycle error, which keeps the rest Default 0.25 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l record-bytes -d 'one record in subagents/runs.json [bytes] Default 8000.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l end-saves -d 'of runs.json as a session ends, in 2026.3.28 (5 in 2026.4.25 and 2026.5.22) [saves] Default 4 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l abort-rate -d 'sessions that are aborted Default 0.05 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l recipient-ttl -d 'tool event recipients go after this, in every release [s] Default 600.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l aborted-ttl -d 'aborted runs go after this, in every release [s] Default 3600.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l sequence-limit -d 'agentRunSeq is cut to this, in every release [entries] Default 10000 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l archive-after -d 'proposed: archive session-mode runs this long after completion [s] Default 300.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l context-ttl -d 'proposed: sweep contexts after this [s] Default 1800.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l error-ttl -d 'proposed: finalise pending errors after this [s] Default 300.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate subagent-maps\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l seed -d 'Same seed, same output, byte for byte.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l duration -d 'Simulated time, such as 24h.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l policy -d 'Mechanisms of this release.' -x -k -a '(__gatewaydoctor_offer release)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l remedy -d 'Apply this remedy, or all; repeatable.' -x -k -a '(__gatewaydoctor_offer remedy-chat-buffers)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l compare -d 'No remedy, each, and all: one table.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l sensitivity -d 'Vary each input to half and double its value.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l clock -d 'wall runs the store for real as well.' -x -k -a '(__gatewaydoctor_offer clock)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l plot -d 'Draw it: .svg or .png (needs matplotlib).' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l from-state-dir -d 'Take the workload from a real directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l runs-per-hour -d 'streaming runs, sound ones included [runs] Default 240.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l hung-share -d 'of them whose model call times out Default 0.25 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l run -d 'how long a sound run streams [s] Default 40.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l run-timeout -d 'when the model call of a hung run is given up [s] Default 600.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l heap-limit -d 'heap at the crash [bytes] Default 4000000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l base-heap -d 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l silent-share -d 'of the hung runs that never sent any text; 2026.4.25 keeps their buffers Default 0.05 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l kept -d '3.1 GB over 68 million ms, shared by the runs that hung in that time [bytes] Default 2720000.0 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l grace -d 'ABORTED_RUN_TTL_MS: proposed as the age of a buffer on top of the timeout [s] Default 3600.0 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l batches -d 'a run\'s text is added in so many parts [parts] Default 20 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate chat-buffers\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l seed -d 'Same seed, same output, byte for byte.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l duration -d 'Simulated time, such as 24h.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l policy -d 'Mechanisms of this release.' -x -k -a '(__gatewaydoctor_offer release)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l remedy -d 'Apply this remedy, or all; repeatable.' -x -k -a '(__gatewaydoctor_offer remedy-usage-scan)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l compare -d 'No remedy, each, and all: one table.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l sensitivity -d 'Vary each input to half and double its value.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l clock -d 'wall runs the store for real as well.' -x -k -a '(__gatewaydoctor_offer clock)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l plot -d 'Draw it: .svg or .png (needs matplotlib).' -r -F
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l from-state-dir -d 'Take the workload from a real directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l stores -d '9 stores with 184 sessions [agents] Default 9 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l sessions -d '9 stores with 184 sessions, shared evenly [files] Default 184 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l lines -d 'usage lines in all: 12 min at 82 %, less the 6 % of a quiet gateway [lines] Default 4600 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l spread -d 'a lognormal spread of usage lines over the sessions [sigma] Default 1.35 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l line-bytes -d 'transcript for each usage line, the other lines included [bytes] Default 3600.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l lookup -d '2026.5.22: CPU for the price of a usage line (88 to 173 ms) [s] Default 0.12 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l models -d 'that the lines name [models] Default 3 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l line-cost -d '2026.3.28, 2026.4.25: a usage line, its price included [s] Default 0.0005 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l read-cost -d '2026.3.28: 1.4 s of CPU for 264 MB [s/byte] Default 5.4e-09 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l open-cost -d '2026.3.28: 400 files opened and their first lines read [s] Default 0.0004 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l piece -d 'what a stream reads at once; its lines are handled in one turn [bytes] Default 65536.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l turns -d 'of the loop that a call takes for each file it lists (72 for 20 in 2026.5.22) [turns] Default 4 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l calls -d 'when the dashboard asks for every agent at once [s] Default \'0 300 600\' (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l call-jitter -d 'each call is this much later at most [s] Default 10.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l resolution -d 'the release samples the loop\'s delay this often [s] Default 0.02 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l background -d 'utilisation after a restart, without usage calls Default 0.058 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l background-task -d 'after a restart p99 was 21 ms and the worst 32 ms [s] Default 0.01 (derived).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l cache-line -d 'a usage line in .usage-cost-cache.json of 2026.5.22 [bytes] Default 234.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l cache-file -d 'a file in it [bytes] Default 719.0 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l page -d 'default limit of sessions.usage (docs/gateway.md section 10) [files] Default 50 (given).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l slice -d 'chunked: longest uninterrupted piece, or one line if that takes longer [s] Default 0.25 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l patience -d 'cancel: what takes longer is given up [s] Default 30.0 (assumed).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l known-price -d '2026.5.22: a usage line whose price is in models.json [s] Default 0.001 (measured).' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'simulate usage-scan\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures list\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures make\'' -l out -d 'New or empty directory for the state directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures make\'' -l seed -d 'Another seed, other bytes.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures make\'' -l scale -d 'Size factor; people are not multiplied.' -x
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures make\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures make\' 0' -k -a '(__gatewaydoctor_offer recipe)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures validate\'' -l update -d 'Rewrite each expected.json with what is found now.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures validate\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer fixture-format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures validate\'' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures set-up\'' -l out -d 'New or empty directory for the state directory.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures set-up\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures set-up\' 0' -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures new\'' -l from -d 'State directory to make it from.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures new\'' -l out -d 'The directory of fixtures it goes into.' -x -k -a '(__gatewaydoctor_offer directory)'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures new\'' -l no-redact -d 'Keep names, ids, times and conversations as they are.'
complete -c gatewaydoctor -n '__gatewaydoctor_at \'fixtures new\'' -l format -d 'Output format; each verb names its own.' -x -k -a '(__gatewaydoctor_offer format)'
