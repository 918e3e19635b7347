package org.libzeebe;

import java.util.Objects;

/** Thrown by a {@link JobHandler}: a BPMN error, which an event of the process may catch; else there is an incident. */
public class BpmnError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What events go by. */
  private final String code;

  /** Set where the error is caught. */
  private final transient Object variables;

  /**
   * An error.
   *
   * @param code what events go by
   * @param message why, to people; null: no words
   */
  public BpmnError(String code, String message) {
    this(code, message, null);
  }

  /**
   * An error with variables.
   *
   * @param code what events go by
   * @param message why, to people; null: no words
   * @param variables set where the error is caught, as {@link Job#complete(Object)} takes them; null: none
   */
  public BpmnError(String code, String message, Object variables) {
    super(message);
    this.code = Objects.requireNonNull(code, "code");
    this.variables = variables;
  }

  /**
   * What events go by.
   *
   * @return never null
   */
  public final String code() {
    return code;
  }

  final Object variables() {
    return variables;
  }
}
