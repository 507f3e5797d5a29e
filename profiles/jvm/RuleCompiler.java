import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Compiles Java source to classes in this process, in memory. */
final class RuleCompiler {
    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    /**
     * Compiles the sources (class name to text) together and loads them.
     *
     * @return the loaded classes by name
     * @throws IllegalArgumentException with javac's messages if a source is wrong
     */
    Map<String, Class<?>> compile(Map<String, String> sources) {
        DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
        try (JavaFileManager standard = compiler.getStandardFileManager(problems, null, null);
                Output output = new Output(standard)) {
            List<Source> units =
                    sources.entrySet().stream().map(e -> new Source(e.getKey(), e.getValue())).toList();
            List<String> options = List.of("-proc:none", "-g:none");
            if (!compiler.getTask(null, output, problems, options, null, units).call()) {
                throw new IllegalArgumentException(describe(problems.getDiagnostics()));
            }
            return output.load(sources.keySet());
        } catch (java.io.IOException failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static String describe(List<Diagnostic<? extends JavaFileObject>> problems) {
        StringBuilder text = new StringBuilder();
        problems.forEach(p -> text.append(p.getMessage(null)).append('\n'));
        return text.toString();
    }

    private static URI location(String name, JavaFileObject.Kind kind) {
        return URI.create("memory:///" + name + kind.extension);
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String name, String text) {
            super(location(name, Kind.SOURCE), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    /** Takes the class files from javac into memory, and loads them from there. */
    private static final class Output extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, ByteArrayOutputStream> classes = new HashMap<>();

        Output(JavaFileManager standard) {
            super(standard);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location where, String name, JavaFileObject.Kind kind, FileObject sibling) {
            return new SimpleJavaFileObject(location(name, kind), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return classes.computeIfAbsent(name, n -> new ByteArrayOutputStream());
                }
            };
        }

        Map<String, Class<?>> load(Iterable<String> names) {
            ClassLoader loader = new ClassLoader(RuleCompiler.class.getClassLoader()) {
                @Override
                protected Class<?> findClass(String name) throws ClassNotFoundException {
                    ByteArrayOutputStream bytes = classes.get(name);
                    if (bytes == null) throw new ClassNotFoundException(name);
                    return defineClass(name, bytes.toByteArray(), 0, bytes.size());
                }
            };
            Map<String, Class<?>> loaded = new HashMap<>();
            for (String name : names) {
                try {
                    loaded.put(name, loader.loadClass(name));
                } catch (ClassNotFoundException missing) {
                    throw new IllegalStateException(missing);
                }
            }
            return loaded;
        }
    }
}
