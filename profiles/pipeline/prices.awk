# Prices in cents, of 300,000 articles.
BEGIN {
    for (i = 1; i <= 300000; i++) price["article-" i] = (i * 7919) % 99991
    print "ready" > "/dev/stderr"
}
{
    if ($1 in price) printf "%s %.2f\n", $1, price[$1] / 100
    else print "unknown " $1
}
