import Foundation
import MeteoRASafetensors

/// Reads the samples of a task's file one by one, so that the file may be larger than the memory.
///
///     {"prompt":"reverse: abc\n","response":"cba\n"}
///     {"prompt":"1. …\n2. …\n","response":"1. cba\n2. 7\n",
///      "spans":[{"task":"reverse","start":0,"end":9},…]}         on one line
///
/// Other fields of a line are not looked at, unless their name is nearly one of these three: then
/// it is taken for a misspelling.
package struct SampleReader {
  private let file: MappedFile
  private let fields: SampleFields
  private var cutter: JSONLineCutter
  private var offset = 0

  private static let partSize = 1 << 18

  /// - Parameters:
  ///   - adapters: What spans may name; `nil` if no gates are trained, and spans are checked for
  ///     their form alone.
  ///   - needsSpans: Whether a line without spans is an error, because nothing else says to which
  ///     adapters it belongs.
  package init(
    _ url: URL, adapters: [String]?, needsSpans: Bool = false
  ) throws(TrainingDataError) {
    do throws(FileAccessError) {
      file = try MappedFile(url)
    } catch {
      throw .file(error)
    }
    fields = SampleFields(adapters: adapters, needsSpans: needsSpans)
    cutter = JSONLineCutter(source: url.path)
  }

  /// The next sample; `nil` at the end of the file.
  package mutating func next() throws(TrainingDataError) -> SampleText? {
    while true {
      if let line = cutter.next() { return try read(line) }
      if cutter.isAtEnd { return nil }
      let part = try nextPart()
      do throws(JSONLineError) {
        try cutter.append(part)
      } catch {
        throw .line(error)
      }
    }
  }

  private func read(_ line: JSONLine) throws(TrainingDataError) -> SampleText {
    do throws(JSONLineError) {
      return try fields.sample(of: line)
    } catch {
      throw .line(error)
    }
  }

  private mutating func nextPart() throws(TrainingDataError) -> [UInt8] {
    var part = [UInt8](repeating: 0, count: min(Self.partSize, file.byteCount - offset))
    let result = part.withUnsafeMutableBytes { buffer in
      Result { () throws(FileAccessError) in try file.read(at: offset, into: buffer) }
    }
    if case .failure(let error) = result { throw .file(error) }
    offset += part.count
    return part
  }
}
