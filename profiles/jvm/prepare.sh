#!/bin/sh
# Compiles the server into build/, when its source is newer than the classes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../build/profiles/jvm
case $(/usr/bin/java -version 2>&1) in
    *'version "17.'*) ;;
    *) echo "jvm: /usr/bin/java is not Java 17; choose it with: update-alternatives --config java" >&2 ;;
esac
if [ -e "$dir/classes/RuleServer.class" ] && [ -z "$(find "$here" -name '*.java' -newer "$dir/classes/RuleServer.class")" ]; then
    exit 0
fi
echo "jvm: compiling the server"
mkdir -p "$dir/classes"
javac --release 17 -Xlint:all -Werror -d "$dir/classes" "$here"/*.java
