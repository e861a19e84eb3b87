import Foundation

/// The golden vectors that ship with the package: bit patterns and truths made by independent
/// oracles (`Fixtures/oracle`), listed in `manifest.json`.
public enum GoldenPack {
  /// The folder that holds `manifest.json`; `nil` if the package's resources are not beside the
  /// program.
  public static var directory: URL? { resource("golden") }
}

/// A MeteoRA bundle with random weights, which tests of tools run.
public enum DemoBundle {
  /// The folder that holds `meteora.json`; `nil` if the package's resources are not beside the
  /// program.
  public static var directory: URL? { resource("demo") }
}

/// The trained MeteoRA bundle that `tiny-demo` runs: a small base, adapters for small tasks, gates,
/// and held-out samples.
public enum TinyMeteoRA {
  /// The folder that holds `meteora.json`; `nil` if the package's resources are not beside the
  /// program.
  public static var directory: URL? { resource("tiny-meteora") }
}

private func resource(_ name: String) -> URL? {
  Bundle.module.resourceURL?.appendingPathComponent(name, isDirectory: true)
}
