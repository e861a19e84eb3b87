import Foundation
import MeteoRASafetensors

/// Standard input, output and error, and the arguments, of this process.
enum ProcessStreams {
  /// To be called first.
  static func prepare() {
    // A closed reader is then an error of `write` like any other.
    signal(SIGPIPE, SIG_IGN)
    // So is a file that grows beyond the user's limit.
    signal(SIGXFSZ, SIG_IGN)
    // Whoever closed a standard stream must not see it come back as a file of ours, into which
    // text would then go: the number is taken, by something that can be neither read nor written.
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// The arguments without the program's name.
  ///
  /// - Throws: ``UsageError`` for one that is not UTF-8, which `CommandLine.arguments` would repair
  ///   silently.
  static func arguments() throws(UsageError) -> [String] {
    try texts(
      of: UnsafeBufferPointer(
        start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)
      ).dropFirst())
  }

  /// Takes arguments as UTF-8, each as it is.
  static func texts(
    of arguments: some Sequence<UnsafeMutablePointer<CChar>?>
  ) throws(UsageError) -> [String] {
    var texts: [String] = []
    for argument in arguments {
      guard let argument, let text = String(validatingCString: argument) else {
        let before = texts.last.map { ", which follows '\(printableArgument($0))'," } ?? ""
        throw UsageError("argument \(texts.count + 1)\(before) is not UTF-8 text")
      }
      texts.append(text)
    }
    return texts
  }
}

/// A file descriptor to write to.
final class DescriptorSink: ByteSink {
  private let descriptor: Int32
  private let name: String

  /// - Parameter name: For messages.
  init(_ descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  var isTerminal: Bool { isatty(descriptor) == 1 }

  func write(_ bytes: [UInt8]) throws(OutputFailure) {
    try bytes.withUnsafeBufferPointer { buffer throws(OutputFailure) in
      var rest = buffer[...]
      while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        let written = Foundation.write(descriptor, part.baseAddress, part.count)
        if written < 0 {
          switch errno {
          case EINTR: continue
          case EAGAIN:
            // Somebody else made the terminal or pipe non-blocking.
            var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&state, 1, -1)
            continue
          case EPIPE: throw .brokenPipe
          default: throw .system(stream: name, reason: String(cString: strerror(errno)))
          }
        }
        rest = rest.dropFirst(written)
      }
    }
  }
}

/// A file descriptor to read from.
struct DescriptorSource: ByteSource {
  private let descriptor: Int32
  private let name: String

  /// - Parameter name: For messages.
  init(_ descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  var file: FileIdentity? { FileIdentity(ofDescriptor: descriptor) }

  func read(upTo count: Int, shouldStop: () -> Bool) throws(InputFailure) -> [UInt8]? {
    var chunk = [UInt8](repeating: 0, count: count)
    while true {
      // A read that waits would not notice that the user wants to end.
      var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&state, 1, 100)
      if shouldStop() { return nil }
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let read = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, count) }
      if read >= 0 { return Array(chunk[..<read]) }
      if errno == EINTR || errno == EAGAIN { continue }
      throw InputFailure("\(name): cannot read: \(String(cString: strerror(errno)))")
    }
  }
}
