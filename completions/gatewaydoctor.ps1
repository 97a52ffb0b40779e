# PowerShell completion for gatewaydoctor, made by: gatewaydoctor completions powershell
#
# To try it:   gatewaydoctor completions powershell | Out-String | Invoke-Expression
# To keep it:  add that line to the file $PROFILE names

Register-ArgumentCompleter -Native -CommandName gatewaydoctor -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $everywhere = [ordered]@{
        '--state-dir' = 'directory', 'State directory to examine.'
        '--config' = 'file', 'openclaw.json to read the settings from.'
        '--profile' = 'profile', 'Profile: ~/.openclaw-NAME.'
        '--store' = 'file', 'Examine this one sessions.json alone.'
        '--agent' = 'agent', 'Examine this one agent.'
        '--path-map' = 'free', 'Read absolute paths below FROM as below TO; repeatable.'
        '--json' = '', 'One JSON document on stdout.'
        '--now' = 'free', 'Clock for every age: ISO or epoch ms (env GATEWAYDOCTOR_NOW).'
        '--all' = '', 'Show every item of capped lists.'
        '--redact' = '', 'Replace ids, names and paths, consistently, for sharing.'
        '--no-color' = '', 'No colours (also NO_COLOR).'
        '--quiet' = '', 'Only what is asked for: no progress, no hints.'
        '-q' = '', 'Only what is asked for: no progress, no hints.'
        '--verbose' = '', 'More evidence, and where settings come from.'
        '-v' = '', 'More evidence, and where settings come from.'
        '--debug' = '', 'Show the traceback of a bug.'
        '--help' = '', 'Show this message and exit.'
        '-h' = '', 'Show this message and exit.'
    }
    $verbs = @{
        '' = @{
            Arguments = @('verb')
            Many = $false
            Options = [ordered]@{
                '--fail-on' = 'severity', 'Exit 1 on findings of this severity or worse: critical, error, warning, info, never. [default: never; with --format nagios warning]'
                '--max-age' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--stuck-after' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--threshold' = 'threshold', 'Change a rule''s threshold, such as bloat-bytes=20MB; repeatable.'
                '--verify' = '', 'Also verify every -wal checksum and index entry of databases.'
                '--output' = 'file', 'Write the output to FILE atomically.'
                '--format' = 'report-format', 'Output format; each verb names its own.'
                '--version' = '', 'Show the version and exit.'
                '-V' = '', 'Show the version and exit.'
            }
        }
        'runs' = @{
            Arguments = @('verb-runs')
            Many = $false
            Options = [ordered]@{
            }
        }
        'simulate' = @{
            Arguments = @('verb-simulate')
            Many = $false
            Options = [ordered]@{
            }
        }
        'fixtures' = @{
            Arguments = @('verb-fixtures')
            Many = $false
            Options = [ordered]@{
            }
        }
        'scan' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--fail-on' = 'severity', 'Exit 1 on findings of this severity or worse: critical, error, warning, info, never. [default: never; with --format nagios warning]'
                '--max-age' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--stuck-after' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--threshold' = 'threshold', 'Change a rule''s threshold, such as bloat-bytes=20MB; repeatable.'
                '--verify' = '', 'Also verify every -wal checksum and index entry of databases.'
                '--output' = 'file', 'Write the output to FILE atomically.'
                '--format' = 'report-format', 'Output format; each verb names its own.'
            }
        }
        'forecast' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'status' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'cron' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'stuck' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--stuck-after' = 'free', 'Silence after which a session marked running is stuck.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'migration' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--export' = 'directory', 'Write what only files have to a new directory.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'orphans' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'subagents' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'usage' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'sessions' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--status' = 'status', 'Status; repeatable.'
                '--kind' = 'kind', 'Kind; repeatable.'
                '--job' = 'job', 'Cron job: id or name; repeatable.'
                '--older-than' = 'free', 'Not updated for this long.'
                '--newer-than' = 'free', 'Updated within this time.'
                '--key' = 'free', 'Keys that match, such as *:cron:*.'
                '--larger-than' = 'free', 'Bytes, or with k, M, G.'
                '--format' = 'stream-format', 'Output format; each verb names its own.'
            }
        }
        'check' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--fail-on' = 'severity', 'Fail on findings of this severity or worse: critical, error, warning, info, never. [default: error; with --format nagios warning]'
                '--only' = 'rule', 'Check only these rules; globs, repeatable.'
                '--skip' = 'rule', 'Leave these rules out; globs, repeatable.'
                '--baseline' = 'file', 'Findings in this file do not fail until they grow or worsen.'
                '--write-baseline' = '', 'Write what is found now to the baseline file, and pass.'
                '--max-age' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--stuck-after' = 'free', 'Silence after which a session marked running is stuck. [default: 1h]'
                '--threshold' = 'threshold', 'Change a rule''s threshold, such as bloat-bytes=20MB; repeatable.'
                '--verify' = '', 'Also verify every -wal checksum and index entry of databases.'
                '--output' = 'file', 'Write the output to FILE atomically.'
                '--format' = 'report-format', 'Output format; each verb names its own.'
            }
        }
        'gate' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--warn' = '', 'Print what would stop the start, but exit 0.'
                '--heap-limit' = 'free', 'Heap this gateway may use, such as 4GB. [default: from its service, NODE_OPTIONS or memory limit]'
                '--limit' = 'free', 'Give up after this long and exit 0.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'snapshot' = @{
            Arguments = @('snapshot', 'directory')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'repair' = @{
            Arguments = @('repair')
            Many = $true
            Options = [ordered]@{
                '--apply' = '', 'Do it. Without this only the plan is shown.'
                '--yes' = '', 'Do it without asking.'
                '-y' = '', 'Do it without asking.'
                '--plan' = 'file', 'Apply this saved plan.'
                '--plan-out' = 'file', 'Save the plan.'
                '--resume' = 'interrupted-run', 'Finish an interrupted run.'
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--work-dir' = 'directory', 'Where databases are copied and edited. [default: in the vault]'
                '--gateway-stopped' = '', 'Assert that the gateway is stopped, if that is unknown; recorded.'
                '--name' = 'free', 'Let this session or file go although protected; repeatable.'
                '--kind' = 'disposable-kind', 'trim: another disposable kind; repeatable.'
                '--status' = 'status', 'trim: only this status.'
                '--job' = 'job', 'trim: only this cron job.'
                '--older-than' = 'free', 'trim, temps, subagents, queues: age from which they go.'
                '--keep-per-job' = 'keep-per-job', 'trim: newest runs kept, or all.'
                '--max-entries' = 'free', 'trim: rows left, at most.'
                '--transcripts' = 'transcripts', 'trim: of rows that go.'
                '--end-as' = 'ending', 'expire: failed, timeout or killed.'
                '--disable' = 'job', 'cron: disable this job; repeatable.'
                '--enable' = 'job', 'cron: enable this job; repeatable.'
                '--park' = 'job', 'cron: take this job out of the gateway''s sight.'
                '--unpark' = 'job', 'cron: put a parked job back.'
                '--drop' = 'job', 'cron: let a parked job go for good.'
                '--disable-retrying' = '', 'Disable jobs that retry without end, if their runs go. [default: if a person confirms]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'park' = @{
            Arguments = @('free')
            Many = $false
            Options = [ordered]@{
                '--apply' = '', 'Do it. Without this only the plan is shown.'
                '--yes' = '', 'Do it without asking.'
                '-y' = '', 'Do it without asking.'
                '--plan-out' = 'file', 'Save the plan.'
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--work-dir' = 'directory', 'Where databases are copied and edited. [default: in the vault]'
                '--gateway-stopped' = '', 'Assert that the gateway is stopped, if that is unknown; recorded.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'unpark' = @{
            Arguments = @('free')
            Many = $false
            Options = [ordered]@{
                '--to-vault' = '', 'Move it to the vault instead: it is not wanted any more.'
                '--apply' = '', 'Do it. Without this only the plan is shown.'
                '--yes' = '', 'Do it without asking.'
                '-y' = '', 'Do it without asking.'
                '--plan-out' = 'file', 'Save the plan.'
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--work-dir' = 'directory', 'Where databases are copied and edited. [default: in the vault]'
                '--gateway-stopped' = '', 'Assert that the gateway is stopped, if that is unknown; recorded.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'after' = @{
            Arguments = @('run')
            Many = $false
            Options = [ordered]@{
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'undo' = @{
            Arguments = @('run')
            Many = $false
            Options = [ordered]@{
                '--dry-run' = '', 'Show what would be restored; write nothing.'
                '--merge' = '', 'Add back only what is missing.'
                '--yes' = '', 'Do it without asking.'
                '-y' = '', 'Do it without asking.'
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--gateway-stopped' = '', 'Assert that the gateway is stopped, if that is unknown; recorded.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'explain' = @{
            Arguments = @('rule', 'directory')
            Many = $false
            Options = [ordered]@{
                '--found' = '', 'Also show the findings of this rule in the state directory.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'integrate' = @{
            Arguments = @('integrate-target')
            Many = $false
            Options = [ordered]@{
                '--form' = 'form', 'systemd: user, system; docker: dockerfile, compose; kubernetes: patch, cronjob; prometheus: cron, service, timer, alerts. The first is the usual one.'
                '--program' = 'file', 'What starts gatewaydoctor. [default: this program]'
                '--unit' = 'free', 'Name of the service, LaunchAgent or Deployment of the gateway.'
                '--limit' = 'free', 'How long a check may hold up a start. [default: 20]'
                '--image' = 'free', 'docker: the gateway''s image; kubernetes: one with gatewaydoctor.'
                '--package' = 'package', 'Where gatewaydoctor comes from: a .pyz, a .whl, a directory of wheels, or an image. [default: gatewaydoctor.pyz]'
                '--gateway' = 'free', 'launchd, docker: what starts the gateway.'
                '--fixtures' = 'directory', 'github-actions: where the fixtures are.'
                '--textfile-dir' = 'directory', 'prometheus: what the textfile collector reads.'
                '--output' = 'file', 'Write the snippet to FILE atomically.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'completions' = @{
            Arguments = @('shell')
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'runs list' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'runs show' = @{
            Arguments = @('run')
            Many = $false
            Options = [ordered]@{
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'runs verify' = @{
            Arguments = @('run')
            Many = $false
            Options = [ordered]@{
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'runs prune' = @{
            Arguments = @('run')
            Many = $false
            Options = [ordered]@{
                '--older-than' = 'free', 'Runs that ended longer ago.'
                '--yes' = '', 'Do it without asking.'
                '-y' = '', 'Do it without asking.'
                '--vault' = 'directory', 'Where originals are kept. [default: in the state directory]'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'simulate cap-storm' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--seed' = 'free', 'Same seed, same output, byte for byte.'
                '--duration' = 'free', 'Simulated time, such as 24h.'
                '--policy' = 'release', 'Mechanisms of this release.'
                '--remedy' = 'remedy-cap-storm', 'Apply this remedy, or all; repeatable.'
                '--compare' = '', 'No remedy, each, and all: one table.'
                '--sensitivity' = '', 'Vary each input to half and double its value.'
                '--clock' = 'clock', 'wall runs the store for real as well.'
                '--plot' = 'file', 'Draw it: .svg or .png (needs matplotlib).'
                '--from-state-dir' = 'directory', 'Take the workload from a real directory.'
                '--schedule' = 'free', '50 jobs (given) whose intervals are chosen to make 1,725 sessions a day (5,176 in three days, given) [jobs] Default ''2x5m 3x10m 3x15m 4x30m 1x30m~ 6x1h~ 14x12h~ 17x1d~'' (assumed).'
                '--max-entries' = 'free', 'session.maintenance.maxEntries [rows] Default 50 (given).'
                '--start-rows' = 'free', 'rows in the store at the start [rows] Default 50 (given).'
                '--mode' = 'free', 'session.maintenance.mode, warn or enforce; empty: the release''s default Default '''' (derived).'
                '--entry-bytes' = 'free', 'a file of 1.3 to 1.5 MB over 50 rows [bytes] Default 28000 (derived).'
                '--setup' = 'free', 'a run writes its row up to this long after it is due [s] Default 4.0 (assumed).'
                '--run' = 'free', 'a run saves the store a second time when it ends, this long after its row [s] Default 45.0 (assumed).'
                '--host-memory' = 'free', 'memory of the host; V8 allows itself half of it, at most 2 GB [bytes] Default 4000000000.0 (given).'
                '--base-heap' = 'free', 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).'
                '--retained' = 'free', 'a pass, as reported: 11 MB/min for 112 min over 55 passes. Nothing explains it [bytes] Default 22400000.0 (derived).'
                '--retained-alone' = 'free', 'a pass of the real 2026.4.25 over 50 rows of 1.56 MB [bytes] Default 19000.0 (measured).'
                '--reserve' = 'free', 'V8 gives up when a full collection leaves less than this free [of the heap] Default 0.05 (assumed).'
                '--healthy-walk' = 'free', 'a full collection over the heap of a fresh process [bytes/s] Default 1000000000.0 (assumed).'
                '--starved-walk' = 'free', 'over what has been kept since; chosen so that the median block is 36 to 60 s [bytes/s] Default 8500000.0 (derived).'
                '--load-copies' = 'free', '2026.3.28 takes 1.85 GB in all with a store of 185 MB [times the file] Default 10.0 (measured).'
                '--pass-cost' = 'free', '2026.4.25: 24 ms of work for a pass over 1.56 MB [s/byte] Default 1.54e-08 (measured).'
                '--handoff' = 'free', 'to hand a pass to a worker, append a record, or write a row to a database [s] Default 0.005 (assumed).'
                '--restart' = 'free', 'from the crash until the gateway is back [s] Default 20.0 (assumed).'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'simulate stuck-cron' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--seed' = 'free', 'Same seed, same output, byte for byte.'
                '--duration' = 'free', 'Simulated time, such as 24h.'
                '--policy' = 'release', 'Mechanisms of this release.'
                '--remedy' = 'remedy-stuck-cron', 'Apply this remedy, or all; repeatable.'
                '--compare' = '', 'No remedy, each, and all: one table.'
                '--sensitivity' = '', 'Vary each input to half and double its value.'
                '--clock' = 'clock', 'wall runs the store for real as well.'
                '--plot' = 'file', 'Draw it: .svg or .png (needs matplotlib).'
                '--from-state-dir' = 'directory', 'Take the workload from a real directory.'
                '--jobs' = 'free', 'name=TICKSxINTERVAL:RUNS:STATUS>STATUS@RUN: RUNS over all TICKS (with + they go on at that rate), the status of the job row, and the run that a crash of the gateway cuts short, leaving the job row running [jobs] Default ''morning-sleep-report=68x22.5s:2075:none>running@59 git-backup-night=49+x3540s:2236:failed>running@151 ssl-price-check=97+x1788s:2211:none fourth-job=1x24h:1:done fifth-job=1x24h:1:done'' (given).'
                '--jitter' = 'free', 'the first job''s ticks are 20 to 25 s apart [s] Default 2.5 (given).'
                '--conversations' = 'free', 'of the 15 rows that are not runs, five are job rows [rows] Default 10 (derived).'
                '--entry-bytes' = 'free', '185 MB over 6,539 rows [bytes] Default 28292 (derived).'
                '--run' = 'free', 'length of a run that ends [s] Default 20.0 (assumed).'
                '--run-timeout' = 'free', 'an agent turn is given up after 60 min (docs/gateway.md section 7) [s] Default 3600.0 (given).'
                '--save-cost' = 'free', '2026.3.28: 7.6 s of work on 176 MB (its own cleanup, dry run) [s/byte] Default 4.3e-08 (measured).'
                '--load-copies' = 'free', '2026.3.28 takes 1.85 GB to load 185 MB once [times the file] Default 10.0 (measured).'
                '--loads-at-boot' = 'free', 'seen with 2026.3.28; the reporter''s estimate of 33 GB would be 18 loads at once, unexplained [loads] Default 1.0 (measured).'
                '--base-heap' = 'free', '2026.3.28 has 493 MB resident after a start, some of it outside V8 [bytes] Default 450000000.0 (assumed).'
                '--heap-limit' = 'free', 'the heap V8 allows itself there [bytes] Default 2300000000.0 (given).'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'simulate subagent-maps' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--seed' = 'free', 'Same seed, same output, byte for byte.'
                '--duration' = 'free', 'Simulated time, such as 24h.'
                '--policy' = 'release', 'Mechanisms of this release.'
                '--remedy' = 'remedy-subagent-maps', 'Apply this remedy, or all; repeatable.'
                '--compare' = '', 'No remedy, each, and all: one table.'
                '--sensitivity' = '', 'Vary each input to half and double its value.'
                '--clock' = 'clock', 'wall runs the store for real as well.'
                '--plot' = 'file', 'Draw it: .svg or .png (needs matplotlib).'
                '--from-state-dir' = 'directory', 'Take the workload from a real directory.'
                '--tickets' = 'free', 'size of the batch [tickets] Default 1400 (given).'
                '--sessions-per-ticket' = 'free', 'agent sessions each ticket makes [sessions] Default 2 (given).'
                '--pace' = 'free', 'one ticket after the other [s] Default 30.0 (assumed).'
                '--session' = 'free', 'how long a session runs [s] Default 240.0 (assumed).'
                '--heap-limit' = 'free', 'heap at which the process runs out of memory [bytes] Default 8000000000.0 (given).'
                '--base-heap' = 'free', 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).'
                '--kept' = 'free', '8 GB less the start, over 2,700 of the 2,800 sessions: one, in all maps [bytes] Default 2620000.0 (derived).'
                '--registry-share' = 'free', 'of it in subagentRuns; the report gives only the sum Default 0.3333333333333333 (assumed).'
                '--context-share' = 'free', 'of it in runContextById Default 0.3333333333333333 (assumed).'
                '--error-rate' = 'free', 'sessions that leave a pending lifecycle error, which keeps the rest Default 0.25 (assumed).'
                '--record-bytes' = 'free', 'one record in subagents/runs.json [bytes] Default 8000.0 (assumed).'
                '--end-saves' = 'free', 'of runs.json as a session ends, in 2026.3.28 (5 in 2026.4.25 and 2026.5.22) [saves] Default 4 (measured).'
                '--abort-rate' = 'free', 'sessions that are aborted Default 0.05 (assumed).'
                '--recipient-ttl' = 'free', 'tool event recipients go after this, in every release [s] Default 600.0 (given).'
                '--aborted-ttl' = 'free', 'aborted runs go after this, in every release [s] Default 3600.0 (given).'
                '--sequence-limit' = 'free', 'agentRunSeq is cut to this, in every release [entries] Default 10000 (given).'
                '--archive-after' = 'free', 'proposed: archive session-mode runs this long after completion [s] Default 300.0 (given).'
                '--context-ttl' = 'free', 'proposed: sweep contexts after this [s] Default 1800.0 (given).'
                '--error-ttl' = 'free', 'proposed: finalise pending errors after this [s] Default 300.0 (given).'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'simulate chat-buffers' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--seed' = 'free', 'Same seed, same output, byte for byte.'
                '--duration' = 'free', 'Simulated time, such as 24h.'
                '--policy' = 'release', 'Mechanisms of this release.'
                '--remedy' = 'remedy-chat-buffers', 'Apply this remedy, or all; repeatable.'
                '--compare' = '', 'No remedy, each, and all: one table.'
                '--sensitivity' = '', 'Vary each input to half and double its value.'
                '--clock' = 'clock', 'wall runs the store for real as well.'
                '--plot' = 'file', 'Draw it: .svg or .png (needs matplotlib).'
                '--from-state-dir' = 'directory', 'Take the workload from a real directory.'
                '--runs-per-hour' = 'free', 'streaming runs, sound ones included [runs] Default 240.0 (assumed).'
                '--hung-share' = 'free', 'of them whose model call times out Default 0.25 (assumed).'
                '--run' = 'free', 'how long a sound run streams [s] Default 40.0 (assumed).'
                '--run-timeout' = 'free', 'when the model call of a hung run is given up [s] Default 600.0 (given).'
                '--heap-limit' = 'free', 'heap at the crash [bytes] Default 4000000000.0 (given).'
                '--base-heap' = 'free', 'resident after a restart (incident 003) [bytes] Default 922000000.0 (given).'
                '--silent-share' = 'free', 'of the hung runs that never sent any text; 2026.4.25 keeps their buffers Default 0.05 (assumed).'
                '--kept' = 'free', '3.1 GB over 68 million ms, shared by the runs that hung in that time [bytes] Default 2720000.0 (derived).'
                '--grace' = 'free', 'ABORTED_RUN_TTL_MS: proposed as the age of a buffer on top of the timeout [s] Default 3600.0 (given).'
                '--batches' = 'free', 'a run''s text is added in so many parts [parts] Default 20 (assumed).'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'simulate usage-scan' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--seed' = 'free', 'Same seed, same output, byte for byte.'
                '--duration' = 'free', 'Simulated time, such as 24h.'
                '--policy' = 'release', 'Mechanisms of this release.'
                '--remedy' = 'remedy-usage-scan', 'Apply this remedy, or all; repeatable.'
                '--compare' = '', 'No remedy, each, and all: one table.'
                '--sensitivity' = '', 'Vary each input to half and double its value.'
                '--clock' = 'clock', 'wall runs the store for real as well.'
                '--plot' = 'file', 'Draw it: .svg or .png (needs matplotlib).'
                '--from-state-dir' = 'directory', 'Take the workload from a real directory.'
                '--stores' = 'free', '9 stores with 184 sessions [agents] Default 9 (given).'
                '--sessions' = 'free', '9 stores with 184 sessions, shared evenly [files] Default 184 (given).'
                '--lines' = 'free', 'usage lines in all: 12 min at 82 %, less the 6 % of a quiet gateway [lines] Default 4600 (derived).'
                '--spread' = 'free', 'a lognormal spread of usage lines over the sessions [sigma] Default 1.35 (assumed).'
                '--line-bytes' = 'free', 'transcript for each usage line, the other lines included [bytes] Default 3600.0 (assumed).'
                '--lookup' = 'free', '2026.5.22: CPU for the price of a usage line (88 to 173 ms) [s] Default 0.12 (measured).'
                '--models' = 'free', 'that the lines name [models] Default 3 (assumed).'
                '--line-cost' = 'free', '2026.3.28, 2026.4.25: a usage line, its price included [s] Default 0.0005 (measured).'
                '--read-cost' = 'free', '2026.3.28: 1.4 s of CPU for 264 MB [s/byte] Default 5.4e-09 (measured).'
                '--open-cost' = 'free', '2026.3.28: 400 files opened and their first lines read [s] Default 0.0004 (measured).'
                '--piece' = 'free', 'what a stream reads at once; its lines are handled in one turn [bytes] Default 65536.0 (measured).'
                '--turns' = 'free', 'of the loop that a call takes for each file it lists (72 for 20 in 2026.5.22) [turns] Default 4 (measured).'
                '--calls' = 'free', 'when the dashboard asks for every agent at once [s] Default ''0 300 600'' (assumed).'
                '--call-jitter' = 'free', 'each call is this much later at most [s] Default 10.0 (assumed).'
                '--resolution' = 'free', 'the release samples the loop''s delay this often [s] Default 0.02 (given).'
                '--background' = 'free', 'utilisation after a restart, without usage calls Default 0.058 (given).'
                '--background-task' = 'free', 'after a restart p99 was 21 ms and the worst 32 ms [s] Default 0.01 (derived).'
                '--cache-line' = 'free', 'a usage line in .usage-cost-cache.json of 2026.5.22 [bytes] Default 234.0 (measured).'
                '--cache-file' = 'free', 'a file in it [bytes] Default 719.0 (measured).'
                '--page' = 'free', 'default limit of sessions.usage (docs/gateway.md section 10) [files] Default 50 (given).'
                '--slice' = 'free', 'chunked: longest uninterrupted piece, or one line if that takes longer [s] Default 0.25 (assumed).'
                '--patience' = 'free', 'cancel: what takes longer is given up [s] Default 30.0 (assumed).'
                '--known-price' = 'free', '2026.5.22: a usage line whose price is in models.json [s] Default 0.001 (measured).'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'fixtures list' = @{
            Arguments = @()
            Many = $false
            Options = [ordered]@{
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'fixtures make' = @{
            Arguments = @('recipe')
            Many = $false
            Options = [ordered]@{
                '--out' = 'directory', 'New or empty directory for the state directory.'
                '--seed' = 'free', 'Another seed, other bytes.'
                '--scale' = 'free', 'Size factor; people are not multiplied.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'fixtures validate' = @{
            Arguments = @('directory')
            Many = $true
            Options = [ordered]@{
                '--update' = '', 'Rewrite each expected.json with what is found now.'
                '--format' = 'fixture-format', 'Output format; each verb names its own.'
            }
        }
        'fixtures set-up' = @{
            Arguments = @('directory')
            Many = $false
            Options = [ordered]@{
                '--out' = 'directory', 'New or empty directory for the state directory.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
        'fixtures new' = @{
            Arguments = @('free')
            Many = $false
            Options = [ordered]@{
                '--from' = 'directory', 'State directory to make it from.'
                '--out' = 'directory', 'The directory of fixtures it goes into.'
                '--no-redact' = '', 'Keep names, ids, times and conversations as they are.'
                '--format' = 'format', 'Output format; each verb names its own.'
            }
        }
    }
    $words = @{
        'verb' = [ordered]@{
            'scan' = 'Show the verdict, what is wrong, and the next step (the default).'
            'forecast' = 'Show what happens when the gateway starts, in order.'
            'status' = 'Count sessions by status and kind, and what takes the space.'
            'cron' = 'List cron jobs with what their runs left: bursts, stuck runs.'
            'stuck' = 'List sessions marked running that are stuck, with evidence.'
            'migration' = 'Audit the move to databases: what is where, what is nowhere.'
            'orphans' = 'List files by class: unindexed history, archives, leftovers.'
            'subagents' = 'List subagent runs that are never archived or lost their session.'
            'usage' = 'Show what one sessions.usage call must read.'
            'sessions' = 'List the sessions themselves, filtered, as a table or a stream.'
            'check' = 'Exit 1 on findings: for scripts, CI and monitoring.'
            'gate' = 'Stop a start that would lose data, fail or loop.'
            'snapshot' = 'Copy the state directory consistently, with hashes.'
            'repair' = 'Show the plan of a repair; with --apply do exactly that.'
            'park' = 'Hide one session or agent from the next start, until unpark.'
            'unpark' = 'Put a parked session or agent back, also after a start.'
            'after' = 'Check a repair once the gateway is up.'
            'undo' = 'Put back what a run changed, byte for byte.'
            'explain' = 'Explain a finding: what it means, why, and what its repair does.'
            'integrate' = 'Print a snippet for systemd, Docker, Kubernetes, cron, CI, others.'
            'completions' = 'Print a completion script for bash, zsh, fish or powershell.'
            'runs' = 'List, show, verify or prune what earlier repairs kept.'
            'simulate' = 'Reproduce the storms of five incidents and compare remedies.'
            'fixtures' = 'Make directories to test with, and compare what they show.'
        }
        'verb-runs' = [ordered]@{
            'list' = 'List every run and how far it got.'
            'show' = 'Show what a run did and whether it can be undone.'
            'verify' = 'Hash what the vault holds and compare with its manifest.'
            'prune' = 'Delete the originals of a run for good.'
        }
        'verb-simulate' = [ordered]@{
            'cap-storm' = 'A store at its cap: a pass for every burst of new sessions (72826).'
            'stuck-cron' = 'Cron runs that never end, and a store that no longer loads (61633).'
            'subagent-maps' = 'Three maps that let nothing go (52725).'
            'chat-buffers' = 'Buffers of runs that never end (51821).'
            'usage-scan' = 'Usage calls that starve the event loop (003).'
        }
        'verb-fixtures' = [ordered]@{
            'list' = 'List the recipes and what each one makes.'
            'make' = 'Make a state directory by a recipe, byte for byte the same each time.'
            'validate' = 'Compare fixtures with what has to be found in them.'
            'set-up' = 'Copy a fixture''s state directory with its times, modes and sizes, to examine it directly.'
            'new' = 'Turn a state directory into a small, anonymised fixture that shows the same.'
        }
        'severity' = [ordered]@{
            'critical' = ''
            'error' = ''
            'warning' = ''
            'info' = ''
            'never' = ''
        }
        'threshold' = [ordered]@{
            'heap-bytes=' = ''
            'bloat-bytes=' = ''
            'bloat-entry-bytes=' = ''
            'bloat-share=' = ''
            'isolated-runs=' = ''
            'isolated-share=' = ''
            'cron-marker=' = ''
            'run-log-bytes=' = ''
            'run-logs-bytes=' = ''
            'transcript-bytes=' = ''
            'boot-markers=' = ''
            'archive-bytes=' = ''
            'archive-files=' = ''
            'sidecar-bytes=' = ''
            'temp-age=' = ''
            'subagents-warning=' = ''
            'subagents-error=' = ''
            'delivery-age=' = ''
            'delivery-files=' = ''
            'usage-loop=' = ''
            'disk-bytes=' = ''
            'disk-inodes=' = ''
        }
        'report-format' = [ordered]@{
            'text' = ''
            'json' = ''
            'ndjson' = ''
            'junit' = ''
            'github' = ''
            'prometheus' = ''
            'nagios' = ''
            'markdown' = ''
            'html' = ''
        }
        'format' = [ordered]@{
            'text' = ''
            'json' = ''
        }
        'status' = [ordered]@{
            'running' = ''
            'done' = ''
            'failed' = ''
            'killed' = ''
            'timeout' = ''
            'interrupted' = ''
            'unknown' = ''
        }
        'kind' = [ordered]@{
            'main' = ''
            'global' = ''
            'cron-base' = ''
            'cron-run' = ''
            'subagent' = ''
            'acp' = ''
            'hook' = ''
            'node' = ''
            'heartbeat' = ''
            'direct' = ''
            'group' = ''
            'channel' = ''
            'thread' = ''
            'explicit' = ''
            'model-run' = ''
            'dashboard' = ''
            'tui' = ''
            'slash' = ''
            'api' = ''
            'other' = ''
        }
        'stream-format' = [ordered]@{
            'text' = ''
            'json' = ''
            'ndjson' = ''
        }
        'rule' = [ordered]@{
            'legacy-store-beside-sqlite' = 'A sessions.json remains next to a session database'
            'newer-schema' = 'A database has a newer schema than gatewaydoctor knows'
            'migration-unfinished' = 'An import into a database was not finished'
            'migration-receipt-open' = 'A migration is not marked as completed'
            'database-missing' = 'A database is gone'
            'database-log-foreign' = 'A database has the log of another one'
            'database-log-missing' = 'The log of a database is gone'
            'database-entry-invalid' = 'Session rows that a start would rebuild with losses'
            'database-empty' = 'A database is empty'
            'database-corrupt' = 'A database is damaged'
            'database-owner' = 'A database belongs to another agent'
            'database-foreign-keys' = 'Rows of a database refer to rows that are gone'
            'database-schema' = 'The tables of a database are not those of its release'
            'database-quarantined' = 'The gateway has put a database under quarantine'
            'database-unreadable' = 'A database could not be read'
            'legacy-file-left' = 'A file of an earlier release keeps the gateway from starting'
            'legacy-file-damaged' = 'A damaged file of an earlier release'
            'store-unparseable' = 'The session store is damaged'
            'store-too-large-for-gateway' = 'The session store is larger than the gateway can read'
            'store-not-object' = 'The session store is not a JSON object'
            'store-empty-beside-transcripts' = 'The session store is empty or missing, but its transcripts remain'
            'backup-candidates' = 'Files that may hold the lost sessions'
            'store-copy-has-more' = 'A file next to the store has conversations that it lacks'
            'store-heap-risk' = 'Loading the session store may exhaust the heap'
            'store-bloat' = 'Copies of prompts fill the session store'
            'store-over-cap' = 'The session store has more sessions than its cap'
            'store-at-cap' = 'The session store is at its cap'
            'maintenance-not-enforced' = 'Maintenance only warns while the store grows'
            'store-duplicate-key' = 'A session key appears more than once'
            'store-case-variant-key' = 'Session keys differ only in case'
            'store-unscoped-key' = 'Session keys without an agent become keys that exist'
            'store-invalid-entry' = 'Sessions with values the gateway cannot use'
            'store-prune-due' = 'The next save removes conversations by age'
            'session-parked' = 'Parked sessions'
            'session-resumes-at-boot' = 'The next start resumes sessions'
            'session-stuck-running' = 'Sessions are stuck at running'
            'cron-phantom-running' = 'A job row is stuck at running and is copied into later runs'
            'session-missing-transcript' = 'Sessions whose transcript is missing'
            'session-path-foreign' = 'Sessions with paths of another host'
            'migration-losses' = 'Only the archive of an import has what people wrote'
            'archive-growth' = 'Archives fill the sessions directory'
            'archived-history' = 'Archives with people''s history that the gateway will delete'
            'sidecar-growth' = 'Checkpoints and trajectories fill the sessions directory'
            'temp-leftover' = 'Temp files left by interrupted writes'
            'transcript-unindexed' = 'Unindexed transcripts'
            'transcript-torn-tail' = 'Transcripts whose end is damaged'
            'transcript-bad-header' = 'Transcripts without a valid header'
            'transcript-huge' = 'Transcripts large enough to freeze the gateway'
            'transcript-boot-loop' = 'Transcripts that end in repeated restarts'
            'cron-rapid-retry' = 'Cron jobs start in bursts'
            'cron-zombie-running' = 'Cron jobs are marked as running, but nothing is running'
            'cron-unknown-job' = 'Rows of cron jobs that no longer exist'
            'cron-isolated-load' = 'Isolated cron runs fill the store'
            'cron-store-unparseable' = 'The cron store is damaged or cannot be read'
            'cron-jobs-lost' = 'Jobs found only in backups'
            'cron-runlog-large' = 'Cron run logs are large'
            'cron-job-cannot-run' = 'Cron jobs that this release does not run'
            'cron-job-shares-state' = 'Cron jobs that keep their state under one id'
            'cron-job-parked' = 'Parked cron jobs do not run'
            'cron-job-disabled' = 'Cron jobs disabled by a repair'
            'jobs-not-in-database' = 'Cron jobs that are not in the database'
            'cron-job-not-run' = 'Cron jobs that do not run when they are scheduled'
            'cron-one-shot-past' = 'One-shot jobs past their time are still enabled'
            'cron-runs-too-often' = 'Cron jobs run more often than they are scheduled'
            'cron-owner-gone' = 'Cron jobs of agents that are not configured'
            'jobs-other-path' = 'Cron jobs are filed under another directory'
            'config-newer' = 'The config was written by a newer release than last started here'
            'config-without-mode' = 'The gateway does not start without gateway.mode'
            'config-unreadable' = 'The config has errors or cannot be read'
            'config-refused' = 'The config has settings that the release refuses'
            'config-shrunk' = 'Much of the config is missing'
            'database-lease' = 'A lease in the state database has not expired'
            'permissions' = 'Wrong owners or permissions'
            'permission-denied' = 'Permission to read or write is missing'
            'hardlinked' = 'Stores or transcripts with a second hard link'
            'disk-space' = 'The volume is almost full'
            'clock-behind' = 'The clock is earlier than the newest file'
            'multiple-state-dirs' = 'Other state directories exist'
            'lock-stale' = 'Locks whose process has ended'
            'lock-unknown' = 'Locks whose owner cannot be checked from here'
            'delivery-backlog' = 'Undelivered messages'
            'usage-scan-load' = 'One usage call keeps the gateway busy'
            'subagent-never-archived' = 'Ended subagent runs that nothing archives'
            'subagent-orphaned' = 'Subagent runs without a session'
            'subagents-unreadable' = 'The subagent registry cannot be read'
        }
        'snapshot' = [ordered]@{
            'verify' = 'Hash a snapshot again.'
        }
        'repair' = [ordered]@{
            'salvage' = 'Recover every complete session of a damaged store.'
            'trim' = 'Remove rows of runs that are over; no conversation.'
            'missing' = 'Re-point sessions whose transcript is elsewhere.'
            'paths' = 'Rewrite session paths of another host.'
            'expire' = 'Set an end status on stuck sessions.'
            'slim' = 'Drop fields the gateway rebuilds.'
            'transcripts' = 'Repair cut tails and headers of transcripts.'
            'orphans' = 'Move unindexed transcripts without a conversation to the vault.'
            'locks' = 'Move locks of ended processes to the vault.'
            'temps' = 'Move old temp files to the vault.'
            'cron' = 'Clear marks of runs; park, disable, enable jobs.'
            'subagents' = 'Remove ended subagent runs that nothing archives.'
            'leftover' = 'Remove from a leftover sessions.json what the database has; move damaged old files to the vault.'
            'logs' = 'Move the log of another database to the vault; rebuild a log''s damaged header.'
            'quarantine' = 'Remove quarantine records of sound databases.'
            'schema' = 'Put triggers back; drop rows that refer to nothing.'
            'jobs' = 'File cron jobs under the path the directory has now.'
            'compact' = 'Rebuild databases without their free pages.'
            'import' = 'Put back what an import lost, for the next start to import.'
            'queues' = 'Move messages that wait for more than a day to the vault.'
            'park' = 'Hide the session or agent named by --name from the next start.'
            'unpark' = 'Put back what was parked.'
            'space' = 'Move what can be made again to a vault on another disk.'
        }
        'disposable-kind' = [ordered]@{
            'acp' = ''
            'cron-run' = ''
            'heartbeat' = ''
            'hook' = ''
            'model-run' = ''
            'subagent' = ''
        }
        'keep-per-job' = [ordered]@{
            'all' = ''
        }
        'transcripts' = [ordered]@{
            'vault' = ''
            'leave' = ''
        }
        'ending' = [ordered]@{
            'failed' = ''
            'timeout' = ''
            'killed' = ''
        }
        'integrate-target' = [ordered]@{
            'shell' = ''
            'systemd' = ''
            'launchd' = ''
            'docker' = ''
            'kubernetes' = ''
            'cron' = ''
            'github-actions' = ''
            'prometheus' = ''
            'ansible' = ''
        }
        'package' = [ordered]@{
            'FILE' = ''
            'IMAGE' = ''
        }
        'shell' = [ordered]@{
            'bash' = ''
            'zsh' = ''
            'fish' = ''
            'powershell' = ''
        }
        'release' = [ordered]@{
            '2026.3.13' = ''
            '2026.3.28' = ''
            '2026.4.25' = ''
            '2026.5.22' = ''
            '2026.9.6' = ''
        }
        'remedy-cap-storm' = [ordered]@{
            'chunked' = 'A save gives others a turn between its pieces; the collector still walks the heap in one piece.'
            'worker' = 'The pass runs on another thread; what it leaves behind is in that thread''s heap and goes with it.'
            'single-flight' = 'Rows that arrive while a pass computes join it; it computes for milliseconds, so hardly any do.'
            'coalesce' = 'The runs of one tick write within seconds of each other, so waiting 5 s makes one pass of two.'
            'append-log' = 'A new row costs its own size; only compacting the log is a pass over the whole file.'
            'persistent-keys' = 'A job that keeps its session makes no new row, so the store is never over its cap.'
            'smaller-cap' = 'As many passes over half the file: half the work, and whatever else a pass leaves behind stays.'
            'all' = 'All of them together.'
        }
        'clock' = [ordered]@{
            'virtual' = ''
            'wall' = ''
        }
        'remedy-stuck-cron' = [ordered]@{
            'reaper-max-age' = 'Stuck runs and job rows are set to failed, which later runs copy; run rows older than a day go again.'
            'scheduler-guard' = 'No run starts while one hangs, so the bursts never happen and the file stays small.'
            'cap-all-statuses' = 'The store stays at its cap, but the newest rows are the noise, so the conversations go first.'
            'streaming-load' = 'A start needs memory for one row and an index, whatever the file has become.'
            'all' = 'All of them together.'
        }
        'remedy-subagent-maps' = [ordered]@{
            'archive-session-runs' = 'The registry holds five minutes of finished runs, and runs.json is no longer rewritten ever larger.'
            'context-ttl' = 'Contexts that no lifecycle event clears go after half an hour.'
            'pending-error-ttl' = 'An error whose retry never ends is given up after five minutes.'
            'all' = 'All of them together.'
        }
        'remedy-chat-buffers' = [ordered]@{
            'sweep-stale-buffers' = 'A hung run''s text goes an hour after its timeout, so the heap settles instead of growing.'
            'all' = 'All of them together.'
        }
        'remedy-usage-scan' = [ordered]@{
            'prices' = 'A price that models.json lists is found at once: 1 ms a usage line instead of 120.'
            'price-cache' = 'Only the first line of each model pays for the lookup.'
            'worker' = 'Reading and pricing leave the event loop, as in 2026.9.6.'
            'chunked' = 'Others get their turn after two lines; the work stays, and several agents'' lines still share a turn.'
            'one-refresh' = 'The pieces of several agents no longer share a turn; the work stays.'
            'cache' = 'Each file is read once. 2026.5.22 does that already, and it is the first reading that blocks.'
            'paginate' = 'Fewer files are summed, and the rest only when a later page is asked for.'
            'cancel' = 'The work is spread over more calls; each piece still blocks.'
            'all' = 'All of them together.'
        }
        'recipe' = [ordered]@{
            'issue-61633' = 'stuck cron runs piled up in bursts, with long prompts'
            'issue-61633-database' = 'the same as an import into a database leaves it'
            'cap-storm' = 'a store at its cap of 50 and 5,176 transcripts'
            'batch-subagents' = '2,800 subagent runs that nothing archives'
            'usage-heavy' = '9 stores with long transcripts for one usage call'
            'token-heavy' = 'as issue-61633, but of many small fields'
            'many-entries' = 'a million small entries'
        }
        'fixture-format' = [ordered]@{
            'text' = ''
            'json' = ''
            'junit' = ''
            'github' = ''
        }
    }
    $asked = @{
        'profile' = 'profiles'
        'agent' = 'agents'
        'job' = 'jobs'
        'interrupted-run' = 'interrupted'
        'run' = 'runs'
        'form' = 'forms'
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
            if (-not $verb -and $name -in @('--fail-on', '--max-age', '--stuck-after', '--threshold', '--verify', '--output')) { $verb = 'scan' }
            if ($word -eq $name) {
                $own = $verbs[$verb]
                if ($own -and $own.Options.Contains($name)) { $values = $own.Options[$name][0] }
                elseif ($everywhere.Contains($name)) { $values = $everywhere[$name][0] }
            }
        }
        elseif (-not $verb) { $verb = if ($word -in @('scan', 'forecast', 'status', 'cron', 'stuck', 'migration', 'orphans', 'subagents', 'usage', 'sessions', 'check', 'gate', 'snapshot', 'repair', 'park', 'unpark', 'after', 'undo', 'explain', 'integrate', 'completions', 'runs', 'simulate', 'fixtures')) { $word } else { '?' } }
        elseif ($verb -in @('runs', 'simulate', 'fixtures')) { $verb = "$verb $word" }
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
