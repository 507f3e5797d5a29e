import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/** The price rules: each is Java source, compiled when the server starts (or when one is sent to it). */
final class Rules {
    private static final int TABLES = 250;

    private final RuleCompiler compiler = new RuleCompiler();
    private final Map<String, LongUnaryOperator> rules = new LinkedHashMap<>();

    /** Compiles the built-in rules and runs each until the JIT has seen it. */
    Rules() {
        Map<String, String> sources = new LinkedHashMap<>();
        sources.put("Weekend", rule("Weekend", "return amount - amount * 15 / 100;"));
        sources.put("Bulk", rule("Bulk", "return amount > 1000 ? amount - amount * 20 / 100 : amount;"));
        sources.put("Rounded", rule("Rounded", "return (amount + 49) / 50 * 50;"));
        for (int i = 0; i < TABLES; i++) sources.put("Table" + i, rule("Table" + i, table(i)));
        Map<String, Class<?>> classes = compiler.compile(sources);
        classes.forEach((name, type) -> rules.put(name.toLowerCase(java.util.Locale.ROOT), operator(type)));
        exercise();
    }

    /** The rule's price, or an exception if there is no such rule. */
    synchronized long price(String rule, long amount) {
        LongUnaryOperator operator = rules.get(rule);
        if (operator == null) throw new IllegalArgumentException("no such rule: " + rule);
        return operator.applyAsLong(amount);
    }

    /** Compiles one more rule from the body of its method. */
    synchronized void add(String name, String body) {
        String type = Character.toUpperCase(name.charAt(0)) + name.substring(1);
        rules.put(name, operator(compiler.compile(Map.of(type, rule(type, body))).get(type)));
    }

    synchronized int count() {
        return rules.size();
    }

    private static String rule(String type, String body) {
        return "import java.util.*;\nimport java.util.stream.*;\npublic final class " + type
                + " {\n  public static long price(long amount) {\n    " + body + "\n  }\n}\n";
    }

    /** A rule with a table of steps: enough code in each to give the compiler real work. */
    private static String table(int number) {
        StringBuilder body = new StringBuilder("NavigableMap<Long, Long> steps = new TreeMap<>();\n");
        for (int step = 0; step < 12; step++) {
            body.append("    steps.put(").append(step * 100L + number).append("L, ").append(step * 3L).append("L);\n");
        }
        return body.append("    long share = Optional.ofNullable(steps.floorEntry(amount)).map(Map.Entry::getValue).orElse(0L);\n")
                .append("    return amount - LongStream.rangeClosed(1, share).map(x -> amount / 100).sum();").toString();
    }

    private static LongUnaryOperator operator(Class<?> type) {
        try {
            Method method = type.getMethod("price", long.class);
            return amount -> {
                try {
                    return (long) method.invoke(null, amount);
                } catch (ReflectiveOperationException failure) {
                    throw new IllegalStateException(failure);
                }
            };
        } catch (NoSuchMethodException missing) {
            throw new IllegalStateException(missing);
        }
    }

    private void exercise() {
        for (long amount = 0; amount < 300; amount++) {
            for (LongUnaryOperator rule : rules.values()) rule.applyAsLong(amount);
        }
    }
}
