# thaw's adapter for Ruby: calls for the checkpoint while the main thread waits, and puts right in each launch what Ruby
# has cached. See docs/adapters.md.
#
# An app registers its hooks with
#     Thaw.before_checkpoint { close_connection } if defined?(Thaw)
#     Thaw.after_restore { connect_again } if defined?(Thaw)
module Thaw
  # struct thaw_call of thaw.h: state, limit, then address and size of the arguments and of the environment.
  CALL_SIZE = 40
  LIMIT_AT = 4
  STRINGS_AT = 8
  LIMIT_MS = 10_000
  RESTORED = 1
  DONE = 3
  SIGNAL = 16
  CHANGED_BY = 0x5a # The mark behind the record is thaw's key with each byte changed by this.
  private_constant(*constants)

  @before = []
  @after = []

  class << self
    def before_checkpoint(&hook)
      @before.push(hook)
    end

    def after_restore(&hook)
      @after.push(hook)
    end

    # Gets ready, and leaves nothing behind in the environment.
    def load
      @answers = ENV.delete('THAW_ADAPTER')
      @key = [ENV.delete('THAW_ADAPTER_KEY')].pack('H*').bytes
      rest = ENV['RUBYOPT'].split(' ', 2)[1]
      ENV['RUBYOPT'] = rest
      @started_with = ENV.to_h
      @arguments = File.binread('/proc/self/cmdline').split("\0", -1)[0..-2]
      # How many words are Ruby's, with the script.
      @fixed = @arguments.size - ARGV.size
      # Much is forbidden in a handler, such as locks: a thread does the work while the main thread waits for it.
      trap(SIGNAL) { Thread.new { asked }.join }
    end

    private

    def asked
      trap(SIGNAL, 'DEFAULT')
      begin
        @before.each(&:call)
        File.open('/proc/self/mem', 'rb').close # A launch needs it.
      rescue Exception => error # The build is over, whatever it was.
        tell("#{error.class} before the checkpoint: #{error.message}")
        return
      end
      @own = own_variables
      call = prepare_call
      return unless tell('waiting')

      nil while call.getbyte(0).zero?
      launched(call) if call.getbyte(0) == RESTORED
    end

    # Large enough to lie outside of Ruby's own heap, where it would move.
    def prepare_call
      call = "\0".b * 4096
      [LIMIT_MS].pack('L').each_byte.with_index { |byte, i| call.setbyte(LIMIT_AT + i, byte) }
      @key.each_with_index { |byte, i| call.setbyte(CALL_SIZE + i, byte ^ CHANGED_BY) }
      call
    end

    # False where thaw no longer listens.
    def tell(text)
      File.write("#{@answers}/new", text)
      File.rename("#{@answers}/new", "#{@answers}/answer")
      true
    rescue SystemCallError
      false
    end

    # thaw starts the program cold if this fails, or takes too long.
    def launched(call)
      begin
        arguments, environment = delivered(call)
        deliver_arguments(arguments)
        deliver_environment(environment)
        srand
        @after.reverse_each(&:call)
        call.setbyte(0, DONE)
      rescue Exception => error
        $stderr.puts(error.full_message(highlight: false))
        $stderr.flush
      end
      Process.kill(SIGNAL, Process.pid)
      sleep until call.getbyte(0) == DONE # Until the program is another one.
    end

    def delivered(call)
      arguments, arguments_size, environment, environment_size = call[STRINGS_AT, 32].unpack('Q4')
      File.open('/proc/self/mem', 'rb') do |memory|
        [[arguments, arguments_size], [environment, environment_size]].map do |address, size|
          size.zero? ? [] : memory.pread(size, address).split("\0", -1)[0..-2]
        end
      end
    end

    # Ruby's own arguments and the script are part of the image, only what follows may differ.
    def deliver_arguments(arguments)
      # Those of a script that is executed by itself (#!) stand behind its interpreter's.
      return if arguments.drop(1) == @arguments.last(arguments.size - 1)
      raise 'the image is that of another script' if arguments[1...@fixed] != @arguments[1...@fixed]

      ARGV.replace(arguments.drop(@fixed).map { |argument| argument.force_encoding(Encoding.default_external) })
    end

    # What the app has set or removed itself, nil where it has removed it.
    def own_variables
      (ENV.keys | @started_with.keys).reject { |name| ENV[name] == @started_with[name] }.to_h { |name| [name, ENV[name]] }
    end

    # The caller's, but for the app's own. Nothing is assumed of what libc has by now.
    def deliver_environment(entries)
      wanted = {}
      entries.each do |entry|
        name, value = entry.dup.force_encoding(Encoding.default_external).split('=', 2)
        wanted[name] ||= value unless value.nil? || name.empty?
      end
      wanted.update(@own)
      # Only by being set does TZ reach Ruby's own clock.
      (wanted.keys | @started_with.keys).each do |name|
        ENV[name] = wanted[name] if name == 'TZ' || ENV[name] != wanted[name]
      end
    end
  end
end

Thaw.load if ENV.key?('THAW_ADAPTER')
