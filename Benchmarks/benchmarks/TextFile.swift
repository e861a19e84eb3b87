import Foundation

/// Files that the command line names.
enum TextFile {
  /// The lines of a file; whatever is not UTF-8 becomes a replacement character.
  static func read(_ path: String) throws(TextFileError) -> String {
    do {
      return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    } catch {
      throw .unreadable(path: path, reason: systemReason(of: error))
    }
  }

  /// Writes a file as a whole: until it is complete, what stood there before stays.
  static func write(_ text: String, to path: String) throws(TextFileError) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .unwritable(path: path, reason: systemReason(of: error))
    }
  }
}

/// What the system says of an error of Foundation's, in a few words.
func systemReason(of error: any Error) -> String {
  let described = error as NSError
  let underlying = described.userInfo[NSUnderlyingErrorKey] as? any Error
  for candidate in [underlying.map { $0 as NSError }, described] {
    if let candidate, candidate.domain == NSPOSIXErrorDomain,
      let code = Int32(exactly: candidate.code)
    {
      return String(cString: strerror(code))
    }
  }
  return described.localizedDescription
}

/// A file that cannot be used.
enum TextFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  /// A line, counted from 1, that is no result.
  case line(path: String, number: Int, ResultLineError)
  case noRow(paths: [String])

  var description: String {
    switch self {
    case .unreadable(let path, let reason): "'\(path)' cannot be read: \(reason)"
    case .unwritable(let path, let reason): "'\(path)' cannot be written: \(reason)"
    case .line(let path, let number, let error):
      "'\(path)', line \(number), is no JSON line of a run: \(error)"
    case .noRow(let paths):
      paths.map { "'\($0)'" }.joined(separator: ", ") + ": no row was found, expected one at least"
    }
  }
}
