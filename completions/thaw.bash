# bash completion for thaw. Made by npm run docs:reference.

_thaw_words() { mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$current"); }
_thaw_files() {
    compopt -o filenames
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$current")
}
_thaw_profiles() { _thaw_words "$(ls -- "${THAW_STORE:-/var/lib/thaw}/profiles" "${XDG_STATE_HOME:-$HOME/.local/state}/thaw/profiles" 2>/dev/null | grep -v ':$')"; }
_thaw_units() { _thaw_words "$(systemctl list-unit-files --type=service --no-legend --plain 2>/dev/null | cut -d ' ' -f 1)"; }
_thaw_pids() { _thaw_words "$(ps -e -o pid=)"; }

_thaw() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        _thaw_words 'build rebuild train run list show top verify sign remove gc pack push pull report unit daemon bench checkpoint restore doctor --help --version'
        return
    fi
    case ${COMP_WORDS[1]} in
        build)
            options='--store --json --guards-off --like-unit --like-env --target --root --output --kernel --modules --model --memory --matrix --jobs --only --makefile -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_files -f ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --guards-off) : ;;
                --like-unit) _thaw_units ;;
                --like-env) _thaw_files -f ;;
                --target) : ;;
                --root) _thaw_files -d ;;
                --output) _thaw_files -f ;;
                --kernel) _thaw_files -f ;;
                --modules) _thaw_files -d ;;
                --model) : ;;
                --memory) : ;;
                --matrix) _thaw_files -f ;;
                --jobs) : ;;
                --only) _thaw_profiles ;;
                *) _thaw_other ;;
            esac
            ;;
        rebuild)
            options='--store --json --most-memory -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --most-memory) : ;;
                *) _thaw_other ;;
            esac
            ;;
        train)
            options='--store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        run)
            options='--store --keep-pid --no-fallback -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        list)
            options='--store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        show)
            options='--store --json --working-set -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles; _thaw_files -f ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        top)
            options='--store --json --once --interval -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --interval) : ;;
                *) _thaw_other ;;
            esac
            ;;
        verify)
            options='--store --root --no-data --key --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles; _thaw_files -f ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --root) _thaw_files -d ;;
                --key) _thaw_files -f ;;
                *) _thaw_other ;;
            esac
            ;;
        sign)
            options='--store --key --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles; _thaw_files -f ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --key) _thaw_files -f ;;
                *) _thaw_other ;;
            esac
            ;;
        remove)
            options='--store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        gc)
            options='--store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        pack)
            options='--store -o --output --profiles --storage --compress --cluster --verity --at --on --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                -o|--output) _thaw_files -f ;;
                --profiles) : ;;
                --storage) : ;;
                --compress) : ;;
                --cluster) : ;;
                --at) _thaw_files -d ;;
                --on) _thaw_files -f ;;
                *) _thaw_other ;;
            esac
            ;;
        push)
            options='--key --add --format --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                --key) _thaw_files -f ;;
                --format) : ;;
                *) _thaw_other ;;
            esac
            ;;
        pull)
            options='-o --output --explain --model --key --max-size --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                -o|--output) _thaw_files -f ;;
                --model) : ;;
                --key) _thaw_files -f ;;
                --max-size) : ;;
                *) _thaw_other ;;
            esac
            ;;
        report)
            options='--store -o --output --runs -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                -o|--output) _thaw_files -f ;;
                --runs) : ;;
                *) _thaw_other ;;
            esac
            ;;
        unit)
            options='--store --json --root --output --diff --revert --allow-calls --anyway -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_units ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --root) _thaw_files -d ;;
                --output) _thaw_files -f ;;
                *) _thaw_other ;;
            esac
            ;;
        daemon)
            options='--store --json --socket --metrics-file --metrics-socket --limit --look --tick --settle --delay --retry --most-memory --nice --units --machine -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) :; _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --socket) _thaw_files -f ;;
                --metrics-file) _thaw_files -f ;;
                --metrics-socket) _thaw_files -f ;;
                --limit) : ;;
                --look) : ;;
                --tick) : ;;
                --settle) : ;;
                --delay) : ;;
                --retry) : ;;
                --most-memory) : ;;
                --nice) : ;;
                --machine) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        bench)
            options='--store --json --runs --trace -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --runs) : ;;
                *) _thaw_other ;;
            esac
            ;;
        checkpoint)
            options='--pid --image --leave-running --policy --pid-namespace --user-namespace --guards-off --store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) : ;;
                esac
            }
            case $previous in
                --pid) _thaw_pids ;;
                --image) _thaw_files -f ;;
                --policy) : ;;
                --guards-off) : ;;
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        restore)
            options='--keep-pid --detach --pid-file --store --json -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_files -f ;;
                esac
            }
            case $previous in
                --pid-file) _thaw_files -f ;;
                --store) _thaw_files -d ;;
                *) _thaw_other ;;
            esac
            ;;
        doctor)
            options='--store --json --pid -h --help'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) _thaw_profiles ;;
                esac
            }
            case $previous in
                --store) _thaw_files -d ;;
                --pid) _thaw_pids ;;
                *) _thaw_other ;;
            esac
            ;;
    esac
}
complete -F _thaw thaw
