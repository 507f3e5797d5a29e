# Made by npm run docs:reference.

function __thaw_profiles
    set -l stores /var/lib/thaw ~/.local/state/thaw
    set -q THAW_STORE; and set stores $THAW_STORE
    for store in $stores
        test -d $store/profiles; and path basename $store/profiles/*/
    end
end

function __thaw_units
    systemctl list-unit-files --type=service --no-legend --plain 2>/dev/null | string split -f 1 ' '
end

complete -c thaw -f
complete -c thaw -n __fish_use_subcommand -a build -d 'start, warm up and checkpoint an app, prove and install its image; or do so in a device\'s root'
complete -c thaw -n '__fish_seen_subcommand_from build' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from build' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from build' -l guards-off -d 'leave out guards of restored memory' -x
complete -c thaw -n '__fish_seen_subcommand_from build' -l like-unit -d 'warm up with the environment that systemd gives this service' -x -a '(__thaw_units)'
complete -c thaw -n '__fish_seen_subcommand_from build' -l like-env -d 'warm up with the environment in this file' -r -F
complete -c thaw -n '__fish_seen_subcommand_from build' -l target -d 'build for this CPU' -x
complete -c thaw -n '__fish_seen_subcommand_from build' -l root -d 'the device\'s root' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from build' -l output -d 'write the new image there instead' -r -F
complete -c thaw -n '__fish_seen_subcommand_from build' -l kernel -d 'the device\'s kernel' -r -F
complete -c thaw -n '__fish_seen_subcommand_from build' -l modules -d 'modules of that kernel' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from build' -l model -d 'QEMU\'s name of the device\'s CPU' -x
complete -c thaw -n '__fish_seen_subcommand_from build' -l memory -d 'of the guest' -x
complete -c thaw -n '__fish_seen_subcommand_from build' -l matrix -d 'build the sealed stores of many models and roots' -r -F
complete -c thaw -n '__fish_seen_subcommand_from build' -l jobs -d 'so many at a time' -x
complete -c thaw -n '__fish_seen_subcommand_from build' -l only -d 'of the matrix' -x -a '(__thaw_profiles)'
complete -c thaw -n '__fish_seen_subcommand_from build' -l makefile -d 'build nothing'
complete -c thaw -n '__fish_seen_subcommand_from build' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from build' -F
complete -c thaw -n __fish_use_subcommand -a rebuild -d 'build anew the images that launches found out of date'
complete -c thaw -n '__fish_seen_subcommand_from rebuild' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from rebuild' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from rebuild' -l most-memory -d 'give a build up whose app takes more memory' -x
complete -c thaw -n '__fish_seen_subcommand_from rebuild' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from rebuild' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a train -d 'record anew which pages a launch touches'
complete -c thaw -n '__fish_seen_subcommand_from train' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from train' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from train' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from train' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a run -d 'become the app of a profile, warm if possible'
complete -c thaw -n '__fish_seen_subcommand_from run' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from run' -l keep-pid -d 'give the app the pid that it had when the image was made'
complete -c thaw -n '__fish_seen_subcommand_from run' -l no-fallback -d 'never start cold'
complete -c thaw -n '__fish_seen_subcommand_from run' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from run' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a list -d 'the profiles in the store'
complete -c thaw -n '__fish_seen_subcommand_from list' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from list' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from list' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a show -d 'what an image holds'
complete -c thaw -n '__fish_seen_subcommand_from show' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from show' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from show' -l working-set -d 'the pages that a launch is fed with'
complete -c thaw -n '__fish_seen_subcommand_from show' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from show' -a '(__thaw_profiles)'
complete -c thaw -n '__fish_seen_subcommand_from show' -F
complete -c thaw -n __fish_use_subcommand -a top -d 'running instances of images, and their memory'
complete -c thaw -n '__fish_seen_subcommand_from top' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from top' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from top' -l once -d 'show it once'
complete -c thaw -n '__fish_seen_subcommand_from top' -l interval -d 'seconds between two looks' -x
complete -c thaw -n '__fish_seen_subcommand_from top' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from top' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a verify -d 'whether an image can be launched here and now, or fits a device\'s root'
complete -c thaw -n '__fish_seen_subcommand_from verify' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from verify' -l root -d 'check against a device\'s root file system in this folder instead' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from verify' -l no-data -d 'do not read the page data to compare its checksums'
complete -c thaw -n '__fish_seen_subcommand_from verify' -l key -d 'the image must be signed by one of these keys' -r -F
complete -c thaw -n '__fish_seen_subcommand_from verify' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from verify' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from verify' -a '(__thaw_profiles)'
complete -c thaw -n '__fish_seen_subcommand_from verify' -F
complete -c thaw -n __fish_use_subcommand -a sign -d 'sign images, for devices that launch nothing without a signature'
complete -c thaw -n '__fish_seen_subcommand_from sign' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from sign' -l key -d 'the private key' -r -F
complete -c thaw -n '__fish_seen_subcommand_from sign' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from sign' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from sign' -a '(__thaw_profiles)'
complete -c thaw -n '__fish_seen_subcommand_from sign' -F
complete -c thaw -n __fish_use_subcommand -a remove -d 'remove profiles with their images'
complete -c thaw -n '__fish_seen_subcommand_from remove' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from remove' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from remove' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from remove' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a gc -d 'remove images that nothing uses any more'
complete -c thaw -n '__fish_seen_subcommand_from gc' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from gc' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from gc' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a pack -d 'make one read-only, compressed file of a store, for devices'
complete -c thaw -n '__fish_seen_subcommand_from pack' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from pack' -l output -s o -d 'FILE' -r -F
complete -c thaw -n '__fish_seen_subcommand_from pack' -l profiles -d 'these alone' -x
complete -c thaw -n '__fish_seen_subcommand_from pack' -l storage -d 'what the device\'s storage gives' -x
complete -c thaw -n '__fish_seen_subcommand_from pack' -l compress -d 'another compression' -x
complete -c thaw -n '__fish_seen_subcommand_from pack' -l cluster -d 'and in units of this size' -x
complete -c thaw -n '__fish_seen_subcommand_from pack' -l verity -d 'add the hashes of dm-verity'
complete -c thaw -n '__fish_seen_subcommand_from pack' -l at -d 'where the device mounts it' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from pack' -l on -d 'the file' -r -F
complete -c thaw -n '__fish_seen_subcommand_from pack' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from pack' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a push -d 'put stores into a registry, from which devices take theirs'
complete -c thaw -n '__fish_seen_subcommand_from push' -l key -d 'sign it' -r -F
complete -c thaw -n '__fish_seen_subcommand_from push' -l add -d 'into the index that REF is'
complete -c thaw -n '__fish_seen_subcommand_from push' -l format -d 'what stores that are folders are sealed as' -x
complete -c thaw -n '__fish_seen_subcommand_from push' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from push' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a pull -d 'get the store that is for this device from a registry'
complete -c thaw -n '__fish_seen_subcommand_from pull' -l output -s o -d 'FILE' -r -F
complete -c thaw -n '__fish_seen_subcommand_from pull' -l explain -d 'say what there is'
complete -c thaw -n '__fish_seen_subcommand_from pull' -l model -d 'the store of this model' -x
complete -c thaw -n '__fish_seen_subcommand_from pull' -l key -d 'it must be signed by one of these keys' -r -F
complete -c thaw -n '__fish_seen_subcommand_from pull' -l max-size -d 'take nothing larger' -x
complete -c thaw -n '__fish_seen_subcommand_from pull' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from pull' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a report -d 'a page that shows a profile: times, memory, inputs, history'
complete -c thaw -n '__fish_seen_subcommand_from report' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from report' -l output -s o -d 'write the page there' -r -F
complete -c thaw -n '__fish_seen_subcommand_from report' -l runs -d 'first start the app so often cold' -x
complete -c thaw -n '__fish_seen_subcommand_from report' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from report' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a unit -d 'a drop-in that launches a systemd service from its image'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l store -d 'where the device\'s profiles and images are' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l root -d 'the device\'s root' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l output -d 'write the drop-in there' -r -F
complete -c thaw -n '__fish_seen_subcommand_from unit' -l diff -d 'only show what would change'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l revert -d 'take the drop-in away'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l allow-calls -d 'let the drop-in add to SystemCallFilter= what a launch calls'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l anyway -d 'write it even if each launch would be a cold start'
complete -c thaw -n '__fish_seen_subcommand_from unit' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from unit' -a '(__thaw_units)'
complete -c thaw -n __fish_use_subcommand -a daemon -d 'keep images fresh: build those anew that are out of date, when the device is idle'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l socket -d 'where it listens' -r -F
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l metrics-file -d 'write metrics there' -r -F
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l metrics-socket -d 'answer GET /metrics on this unix socket' -r -F
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l limit -d 'when a rebuild has to wait' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l look -d 'how often all images are looked at' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l tick -d 'how often it looks at what it waits for' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l settle -d 'how long inputs must have been left alone after a change' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l delay -d 'a rebuild begins after a random part of this time' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l retry -d 'how long after a build the next one of the same profile may begin' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l most-memory -d 'give a build up whose app takes more memory' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l nice -d 'nice value of builds' -x
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l units -d 'build in thaw-rebuild@NAME'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l machine -d 'read pressure' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from daemon' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a bench -d 'how long an installed profile takes to start, cold and warm'
complete -c thaw -n '__fish_seen_subcommand_from bench' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from bench' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from bench' -l runs -d 'how often each is started' -x
complete -c thaw -n '__fish_seen_subcommand_from bench' -l trace -d 'more warm launches'
complete -c thaw -n '__fish_seen_subcommand_from bench' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from bench' -a '(__thaw_profiles)'
complete -c thaw -n __fish_use_subcommand -a checkpoint -d 'write the image of a running process'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l pid -d 'the process' -x -a '(__fish_complete_pids)'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l image -d 'the image to write' -r -F
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l leave-running -d 'let the process run on'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l policy -d 'what to do with state that cannot be restored by itself' -x
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l pid-namespace -d 'each launch makes a pid namespace'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l user-namespace -d 'the same for ordinary users as well'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l guards-off -d 'leave out guards of restored memory' -x
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from checkpoint' -l help -s h -d 'say this'
complete -c thaw -n __fish_use_subcommand -a restore -d 'become the process of an image'
complete -c thaw -n '__fish_seen_subcommand_from restore' -l keep-pid -d 'give it the pid that it had when the image was made'
complete -c thaw -n '__fish_seen_subcommand_from restore' -l detach -d 'in a session of its own'
complete -c thaw -n '__fish_seen_subcommand_from restore' -l pid-file -d 'write the pid there' -r -F
complete -c thaw -n '__fish_seen_subcommand_from restore' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from restore' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from restore' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from restore' -F
complete -c thaw -n __fish_use_subcommand -a doctor -d 'what this device or a process can and cannot do'
complete -c thaw -n '__fish_seen_subcommand_from doctor' -l store -d 'where profiles and images are kept' -x -a '(__fish_complete_directories)'
complete -c thaw -n '__fish_seen_subcommand_from doctor' -l json -d 'the result as JSON'
complete -c thaw -n '__fish_seen_subcommand_from doctor' -l pid -d 'also what a checkpoint of this process would refuse' -x -a '(__fish_complete_pids)'
complete -c thaw -n '__fish_seen_subcommand_from doctor' -l help -s h -d 'say this'
complete -c thaw -n '__fish_seen_subcommand_from doctor' -a '(__thaw_profiles)'
