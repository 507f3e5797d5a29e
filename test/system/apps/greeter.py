# The service of a package that is upgraded: says when it warms up, and from then on what its package's file has said.
import time

with open("/usr/share/greeter/words") as file:
    words = file.read().strip()
# Only a cold start says this.
print("warming up", flush=True)
while True:
    print("greets:", words, flush=True)
    time.sleep(2)
